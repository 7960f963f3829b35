// twitter-api-v2, as it comes: the proxy is its `httpAgent` setting, the CA is NODE_EXTRA_CA_CERTS.
//
//     x_twitter_api_v2.mjs read | post TEXT | upload FILE | upload-parts FILE | post-with TEXT MEDIA_ID |
//         describe MEDIA_ID TEXT | reply TEXT ID | quote TEXT ID | repost ID | delete ID
import { readFileSync } from 'node:fs';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { ApiRequestError, ApiResponseError, TwitterApi } from 'twitter-api-v2';

const keys = {
  appKey: 'practice-consumer',
  appSecret: 'practice-consumer-secret',
  accessToken: process.env.SNS_TOKEN,
  accessSecret: 'practice-token-secret',
};
const client = new TwitterApi(keys, { httpAgent: new HttpsProxyAgent(process.env.HTTPS_PROXY) });
const PART = 1000;
const [command, ...given] = process.argv.slice(2);
const commands = {
  read: async () => (await client.v2.me()).data.id,
  post: async () => (await client.v2.tweet(given[0])).data.id,
  upload: async () => client.v2.uploadMedia(readFileSync(given[0]), { media_type: 'image/png' }),
  'upload-parts': async () => client.v2.uploadMedia(readFileSync(given[0]), { media_type: 'image/png' }, PART),
  describe: async () => {
    await client.v2.createMediaMetadata(given[0], { alt_text: { text: given[1] } });
    return given[0];
  },
  'post-with': async () => (await client.v2.tweet(given[0], { media: { media_ids: [given[1]] } })).data.id,
  reply: async () => (await client.v2.reply(given[0], given[1])).data.id,
  quote: async () => (await client.v2.quote(given[0], given[1])).data.id,
  // It wants to be told the account's own number, which is the first part of its token.
  repost: async () => (await client.v2.retweet(keys.accessToken.split('-')[0], given[0])).data.rest_id,
  delete: async () => {
    await client.v2.deleteTweet(given[0]);
    return given[0];
  },
};
let answer;
try {
  answer = { ok: true, id: await commands[command]() };
} catch (problem) {
  if (!(problem instanceof ApiResponseError || problem instanceof ApiRequestError)) throw problem;
  answer = { ok: false, error: problem.message };
}
console.log(JSON.stringify(answer));
