// @line/bot-sdk, as it comes. Node's fetch takes its proxy from a dispatcher and its CA from NODE_EXTRA_CA_CERTS.
//
//     line_node.mjs read | post TEXT | validate TEXT | push TEXT USER_ID | menu TEXT | menu-image MENU_ID FILE |
//         menu-default MENU_ID
import { readFileSync } from 'node:fs';
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
  menu: async () => {
    const action = { type: 'uri', label: '防災情報', uri: 'https://www.city.example/bosai' };
    const areas = [{ bounds: { x: 0, y: 0, width: 2500, height: 843 }, action }];
    const size = { width: 2500, height: 843 };
    return (await client.createRichMenu({ size, selected: true, name: '練習町', chatBarText: given[0], areas })).richMenuId;
  },
  'menu-image': async () => {
    const data = new messagingApi.MessagingApiBlobClient({ channelAccessToken, baseURL, defaultHeaders });
    await data.setRichMenuImage(given[0], new Blob([readFileSync(given[1])], { type: 'image/png' }));
    return given[0];
  },
  'menu-default': async () => {
    await client.setDefaultRichMenu(given[0]);
    return given[0];
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
