// masto, as it comes. Node's fetch takes its proxy from a dispatcher and its CA from NODE_EXTRA_CA_CERTS.
//
//     mastodon_node.mjs read | pages | post TEXT | upload FILE | post-with TEXT MEDIA_ID | reply TEXT ID | edit TEXT ID |
//         edit-alt TEXT ID MEDIA_ID ALT | schedule TEXT TIME | reschedule ID TIME | delete ID
import { readFileSync } from 'node:fs';
import { createRestAPIClient, MastoHttpError } from 'masto';
import { EnvHttpProxyAgent, setGlobalDispatcher } from 'undici';

setGlobalDispatcher(new EnvHttpProxyAgent());
const { SNS_BASE: url = 'https://mastodon.example', SNS_TOKEN: accessToken, SEKISHO_CLIENT: key } = process.env;
const requestInit = key ? { headers: { 'Sekisho-Client': key } } : undefined;
const { v1, v2 } = createRestAPIClient({ url, accessToken, requestInit });
const [command, ...given] = process.argv.slice(2);
const commands = {
  read: async () => (await v1.accounts.verifyCredentials()).id,
  pages: async () => {
    const pages = v1.timelines.home.list({ limit: 1 })[Symbol.asyncIterator]();
    const [[first], [second]] = [(await pages.next()).value, (await pages.next()).value];
    return `${first.id},${second.id}`;
  },
  post: async () => (await v1.statuses.create({ status: given[0] })).id,
  upload: async () => {
    const file = new Blob([readFileSync(given[0])], { type: 'image/png' });
    return (await v2.media.create({ file, description: '花の写真' })).id;
  },
  'post-with': async () => (await v1.statuses.create({ status: given[0], mediaIds: [given[1]] })).id,
  reply: async () => (await v1.statuses.create({ status: given[0], inReplyToId: given[1] })).id,
  edit: async () => (await v1.statuses.$select(given[1]).update({ status: given[0] })).id,
  'edit-alt': async () => {
    const [status, id, medium, description] = given;
    const changed = { status, mediaIds: [medium], mediaAttributes: [{ id: medium, description }] };
    return (await v1.statuses.$select(id).update(changed)).id;
  },
  schedule: async () => (await v1.statuses.create({ status: given[0], scheduledAt: given[1] })).id,
  reschedule: async () => (await v1.scheduledStatuses.$select(given[0]).update({ scheduledAt: given[1] })).id,
  delete: async () => {
    await v1.statuses.$select(given[0]).remove();
    return given[0];
  },
};
let answer;
try {
  answer = { ok: true, id: await commands[command]() };
} catch (problem) {
  if (!(problem instanceof MastoHttpError)) throw problem;
  answer = { ok: false, error: problem.message };
}
console.log(JSON.stringify(answer));
