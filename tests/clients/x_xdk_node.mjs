// @xdevplatform/xdk, as it comes. Node's fetch takes its proxy from a dispatcher and its CA from NODE_EXTRA_CA_CERTS.
//
//     x_xdk_node.mjs read | post TEXT | upload FILE | upload-parts FILE | post-with TEXT MEDIA_ID |
//         describe MEDIA_ID TEXT | reply TEXT ID | quote TEXT ID | edit TEXT ID | repost ID | delete ID
import { readFileSync } from 'node:fs';
import { ApiError, Client } from '@xdevplatform/xdk';
import { EnvHttpProxyAgent, setGlobalDispatcher } from 'undici';

setGlobalDispatcher(new EnvHttpProxyAgent());
const { SNS_BASE: baseUrl, SNS_TOKEN: accessToken, SEKISHO_CLIENT: key } = process.env;
const client = new Client({ baseUrl, accessToken, headers: key ? { 'Sekisho-Client': key } : {} });
const [command, ...given] = process.argv.slice(2);
const PART = 1000;
const commands = {
  read: async () => (await client.users.getMe()).data.id,
  post: async () => (await client.posts.create({ text: given[0] })).data.id,
  'post-with': async () => (await client.posts.create({ text: given[0], media: { mediaIds: [given[1]] } })).data.id,
  reply: async () => (await client.posts.create({ text: given[0], reply: { inReplyToTweetId: given[1] } })).data.id,
  quote: async () => (await client.posts.create({ text: given[0], quoteTweetId: given[1] })).data.id,
  edit: async () => (await client.posts.create({ text: given[0], editOptions: { previousPostId: given[1] } })).data.id,
  repost: async () => (await client.users.repostPost(accessToken.split('-')[0], { tweetId: given[0] })).data.restId,
  delete: async () => {
    await client.posts.delete(given[0]);
    return given[0];
  },
  upload: async () => {
    const media = readFileSync(given[0]).toString('base64');
    return (await client.media.upload({ media, mediaCategory: 'tweet_image' })).data.id;
  },
  describe: async () => {
    await client.media.createMetadata({ id: given[0], metadata: { altText: { text: given[1] } } });
    return given[0];
  },
  'upload-parts': async () => {
    const bytes = readFileSync(given[0]);
    const opening = { mediaCategory: 'tweet_image', mediaType: 'image/png', totalBytes: bytes.length };
    const { id } = (await client.media.initializeUpload(opening)).data;
    for (let index = 0; index * PART < bytes.length; index += 1) {
      const media = bytes.subarray(index * PART, (index + 1) * PART).toString('base64');
      await client.media.appendUpload(id, { media, segmentIndex: index });
    }
    return (await client.media.finalizeUpload(id)).data.id;
  },
};
let answer;
try {
  answer = { ok: true, id: await commands[command]() };
} catch (problem) {
  if (!(problem instanceof ApiError)) throw problem;
  answer = { ok: false, error: problem.message };
}
console.log(JSON.stringify(answer));
