// googleapis, as it comes: gaxios takes its proxy from the environment, Node its CA from NODE_EXTRA_CA_CERTS. It sends
// words and film in one body.
//
//     youtube_node.mjs read | upload TEXT FILE | thumbnail ID FILE | caption ID NAME FILE | publish TEXT ID | delete ID
import { createReadStream } from 'node:fs';
import { google } from 'googleapis';

const auth = new google.auth.OAuth2();
const { SNS_BASE: rootUrl, SNS_TOKEN: token, SEKISHO_CLIENT: key } = process.env;
auth.setCredentials({ access_token: token });
const client = google.youtube({ version: 'v3', auth });
// A call's own setting: as the client's, it would not reach the uploads.
const way = rootUrl ? { rootUrl, headers: { 'Sekisho-Client': key } } : {};
const [command, ...given] = process.argv.slice(2);
const part = ['snippet', 'status'];
const words = (title, privacyStatus) => ({ snippet: { title, categoryId: '22' }, status: { privacyStatus } });
const commands = {
  read: async () => (await client.channels.list({ part: ['id'], mine: true }, way)).data.items[0].id,
  upload: async () => {
    const media = { mimeType: 'video/mp4', body: createReadStream(given[1]) };
    return (await client.videos.insert({ part, requestBody: words(given[0], 'private'), media }, way)).data.id;
  },
  thumbnail: async () => {
    const media = { mimeType: 'image/png', body: createReadStream(given[1]) };
    return (await client.thumbnails.set({ videoId: given[0], media }, way)).data.kind;
  },
  caption: async () => {
    const requestBody = { snippet: { videoId: given[0], language: 'ja', name: given[1] } };
    const media = { mimeType: 'application/octet-stream', body: createReadStream(given[2]) };
    return (await client.captions.insert({ part: ['snippet'], requestBody, media }, way)).data.id;
  },
  publish: async () => {
    const requestBody = { id: given[1], ...words(given[0], 'public') };
    return (await client.videos.update({ part, requestBody }, way)).data.id;
  },
  delete: async () => {
    await client.videos.delete({ id: given[0] }, way);
    return given[0];
  },
};
let answer;
try {
  answer = { ok: true, id: await commands[command]() };
} catch (problem) {
  if (!problem.response) throw problem;
  answer = { ok: false, error: problem.message };
}
console.log(JSON.stringify(answer));
