// @atproto/api, as it comes. Node's fetch takes its proxy from a dispatcher and its CA from NODE_EXTRA_CA_CERTS.
//
//     bluesky_node.mjs read | post TEXT | post-picture TEXT FILE | reply TEXT URI | writes TEXT TEXT | delete URI
import { readFileSync } from 'node:fs';
import { AtpAgent, XRPCError } from '@atproto/api';
import { EnvHttpProxyAgent, setGlobalDispatcher } from 'undici';

setGlobalDispatcher(new EnvHttpProxyAgent());
const { SNS_BASE: service = 'https://bsky.social', SNS_TOKEN: account, SEKISHO_CLIENT: key } = process.env;
// The agent's `setHeader` does not reach its signing in.
const withKey = (input, init) => {
  const request = new Request(input, init);
  request.headers.set('Sekisho-Client', key);
  return fetch(request);
};
const agent = new AtpAgent({ service, fetch: key ? withKey : undefined });
const [command, ...given] = process.argv.slice(2);
const cid = 'bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';
const commands = {
  read: async () => agent.session.did,
  post: async () => (await agent.post({ text: given[0] })).uri,
  'post-picture': async () => {
    const { data } = await agent.uploadBlob(readFileSync(given[1]), { encoding: 'image/png' });
    const images = [{ image: data.blob, alt: '花の写真' }];
    return (await agent.post({ text: given[0], embed: { $type: 'app.bsky.embed.images', images } })).uri;
  },
  reply: async () => {
    const parent = { uri: given[1], cid };
    return (await agent.post({ text: given[0], reply: { parent, root: parent } })).uri;
  },
  writes: async () => {
    const [$type, collection] = ['com.atproto.repo.applyWrites#create', 'app.bsky.feed.post'];
    const post = (text) => ({ $type: collection, text, createdAt: new Date().toISOString() });
    const writes = given.map((text) => ({ $type, collection, value: post(text) }));
    const { data } = await agent.com.atproto.repo.applyWrites({ repo: agent.session.did, writes });
    return data.results.map((result) => result.uri).join(',');
  },
  delete: async () => {
    await agent.deletePost(given[0]);
    return given[0];
  },
};
let answer;
try {
  await agent.login({ identifier: `${account}.example`, password: 'practice-password' });
  answer = { ok: true, id: await commands[command]() };
} catch (problem) {
  if (!(problem instanceof XRPCError)) throw problem;
  answer = { ok: false, error: problem.message };
}
console.log(JSON.stringify(answer));
