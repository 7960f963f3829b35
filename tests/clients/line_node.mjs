// @line/bot-sdk, as it comes. Node's fetch takes its proxy from a dispatcher and its CA from NODE_EXTRA_CA_CERTS.
//
//     line_node.mjs read | post TEXT | validate TEXT | push TEXT USER_ID
import { HTTPFetchError, messagingApi } from '@line/bot-sdk';
import { EnvHttpProxyAgent, setGlobalDispatcher } from 'undici';

setGlobalDispatcher(new EnvHttpProxyAgent());
const { SNS_BASE: baseURL, SNS_TOKEN: channelAccessToken, SEKISHO_CLIENT: key } = process.env;
const defaultHeaders = key ? { 'Sekisho-Client': key } : undefined;
const client = new messagingApi.MessagingApiClient({ channelAccessToken, baseURL, defaultHeaders });
const [command, ...given] = process.argv.slice(2);
const commands = {
  read: async () => (await client.getBotInfo()).userId,
  post: async () => {
    const sent = await client.broadcastWithHttpInfo({ messages: [{ type: 'text', text: given[0] }] });
    return sent.httpResponse.headers.get('x-line-request-id');
  },
  validate: async () => {
    await client.validateBroadcast({ messages: [{ type: 'text', text: given[0] }] });
    return 'valid';
  },
  push: async () => client.pushMessage({ to: given[1], messages: [{ type: 'text', text: given[0] }] }),
};
let answer;
try {
  answer = { ok: true, id: await commands[command]() };
} catch (problem) {
  if (problem instanceof HTTPFetchError) {
    answer = { ok: false, error: `${problem.message}\n${problem.body}` };
  } else if (problem instanceof TypeError) {
    // What fetch throws when there is no answer at all.
    answer = { ok: false, error: `${problem.message}: ${problem.cause}` };
  } else {
    throw problem;
  }
}
console.log(JSON.stringify(answer));
