// facebook-nodejs-business-sdk, as it comes: axios takes its proxy from the environment, Node its CA from
// NODE_EXTRA_CA_CERTS. It sends no files (it deletes its own body where there are any), so a picture comes from another tool.
//
//     facebook_node.mjs read | pages | post TEXT | post-with TEXT PHOTO_ID | reply TEXT ID | delete ID |
//         ig-container TEXT URL | ig-item URL | ig-carousel TEXT ID ID | ig-state ID | ig-publish ID
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { FacebookAdsApi, IGUser, Page, PagePost, User } = require('facebook-nodejs-business-sdk');
const { SNS_BASE: base, SNS_TOKEN: token, SEKISHO_CLIENT: key } = process.env;
// Neither the address nor a header is a setting of the SDK: the one is a property, the other axios's own default.
if (base) Object.defineProperty(FacebookAdsApi, 'GRAPH', { get: () => base });
if (key) require('axios').defaults.headers.common['Sekisho-Client'] = key;
FacebookAdsApi.init(token, 'en_US', false);
const [command, ...given] = process.argv.slice(2);
const instagram = () => new IGUser(token.split('-')[0]);
const commands = {
  read: async () => (await new User('me').get(['id'])).id,
  pages: async () => {
    const page = await new Page('me').getFeed([], { limit: 1 });
    const [first] = page.map((row) => row.id);
    const [second] = (await page.next()).map((row) => row.id);
    return `${first},${second}`;
  },
  post: async () => (await new Page('me').createFeed([], { message: given[0] })).id,
  'post-with': async () => {
    const shown = [{ media_fbid: given[1] }];
    return (await new Page('me').createFeed([], { message: given[0], attached_media: shown })).id;
  },
  reply: async () => (await new PagePost(given[1]).createComment([], { message: given[0] })).id,
  'ig-container': async () => (await instagram().createMedia([], { caption: given[0], image_url: given[1] })).id,
  'ig-item': async () => (await instagram().createMedia([], { image_url: given[0], is_carousel_item: true })).id,
  'ig-carousel': async () => {
    const [caption, ...children] = given;
    return (await instagram().createMedia([], { media_type: 'CAROUSEL', caption, children })).id;
  },
  'ig-state': async () => (await FacebookAdsApi.getDefaultApi().call('GET', [given[0]], { fields: 'status_code' })).status_code,
  'ig-publish': async () => (await instagram().createMediaPublish([], { creation_id: given[0] })).id,
  delete: async () => {
    await new PagePost(given[0]).delete([]);
    return given[0];
  },
};
let answer;
try {
  answer = { ok: true, id: String(await commands[command]()) };
} catch (problem) {
  if (problem.name !== 'FacebookRequestError') throw problem;
  answer = { ok: false, error: problem.message };
}
console.log(JSON.stringify(answer));
