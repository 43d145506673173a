// A merchant's life with wechatpay-axios-plugin, whose own verification is on: a user grants it
// a service, confirms an order that is then cancelled, and one that is completed, made cheaper
// and paid. It asks for the state in between, and opens the notifications. Each thing that
// happened is a line of JSON for the Go test that started this.
//
// The environment is the simulator's wechatpay.env, and whom it knows. A merchant has WeChat
// Pay's public key, or, where there is none, the platform certificate.

import { createServer } from 'node:http';
import { X509Certificate, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import plugin from 'wechatpay-axios-plugin';

const { Wechatpay, Aes, Rsa, Formatter } = plugin;
const env = process.env;
const patience = 20_000; // milliseconds

const tell = (step, facts) => console.log(JSON.stringify({ step, ...facts }));

// platform is with which key WeChat Pay signs, and how it names it.
function platform() {
  if (env.WECHATPAY_PUBLIC_KEY_FILE) {
    return { serial: env.WECHATPAY_PUBLIC_KEY_ID, key: Rsa.from(readFileSync(env.WECHATPAY_PUBLIC_KEY_FILE), Rsa.KEY_TYPE_PUBLIC) };
  }
  const certificate = readFileSync(env.WECHATPAY_PLATFORM_CERTIFICATE_FILE);
  return { serial: new X509Certificate(certificate).serialNumber, key: certificate };
}
const { serial: platformSerial, key: platformKey } = platform();

const client = (key) => new Wechatpay({
  mchid: env.WECHATPAY_MCHID,
  serial: env.WECHATPAY_SERIAL_NO,
  privateKey: readFileSync(env.WECHATPAY_PRIVATE_KEY_FILE),
  certs: { [platformSerial]: key },
  baseURL: env.WECHATPAY_BASE_URL,
  proxy: false,
  timeout: patience,
});
const wxpay = client(platformKey);

// refusal is what a failing call says: the gateway's answer, or the plugin's own error.
const refusal = (error) => ({
  error: error.code, status: error.response?.status, code: error.response?.data?.code, message: error.response?.data?.message,
});

// refused tells why a call was, which should be.
async function refused(step, call) {
  try {
    await call();
    tell(step, {});
  } catch (error) {
    tell(step, refusal(error));
  }
}

// Notifications are answered 204 if they verify, and wait until a step takes them.
const inbox = [];
let arrived = () => {};
const server = createServer(async (req, res) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  const text = Formatter.response(req.headers['wechatpay-timestamp'], req.headers['wechatpay-nonce'], body);
  const verified = req.headers['wechatpay-serial'] === platformSerial
    && Rsa.verify(text, req.headers['wechatpay-signature'], platformKey);
  res.writeHead(verified ? 204 : 400).end();
  const { event_type, resource } = JSON.parse(body);
  const { ciphertext, nonce, associated_data } = resource;
  inbox.push({ verified, event_type, ...JSON.parse(Aes.AesGcm.decrypt(ciphertext, env.WECHATPAY_APIV3_KEY, nonce, associated_data)) });
  arrived();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const notify_url = `http://127.0.0.1:${server.address().port}/notifications`;

const within = (promise) => Promise.race([promise, new Promise((_, reject) => {
  setTimeout(() => reject(new Error('nothing happened in time')), patience).unref();
})]);

async function notified(step) {
  if (inbox.length === 0) await within(new Promise((resolve) => { arrived = resolve; }));
  const { verified, event_type, out_order_no, state, state_description, total_amount, collection, authorization_code } = inbox.shift();
  tell(step, {
    verified, event_type, out_order_no, state, state_description, total_amount, authorization_code,
    transaction_id: collection?.details?.[0]?.transaction_id,
  });
}

// manage does what is not the merchant's to do.
async function manage(step, path, body) {
  const { status } = await fetch(`${env.WECHATPAY_MANAGE_URL}${path}`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), signal: AbortSignal.timeout(patience),
  });
  tell(step, { status });
}

const orders = wxpay.v3.payscore.partner.serviceorder;
const { E2E_APPID: appid, E2E_SUB_MCHID: sub_mchid, E2E_SERVICE_ID: service_id, E2E_GRANT_SERVICE_ID, E2E_OPENID: openid } = env;

async function create(step, out_order_no) {
  const { status, data } = await orders.post({
    out_order_no, appid, sub_mchid, service_id,
    service_introduction: '雨伞租借',
    risk_fund: { name: 'DEPOSIT', amount: 5000 },
    time_range: { start_time: 'OnAccept', end_time: '20991231' },
    notify_url,
  });
  tell(step, { status, state: data.state, order_id: data.order_id });
}

async function query(step, out_order_no) {
  const { status, data } = await orders.get({ params: { service_id, sub_mchid, out_order_no } });
  tell(step, { status, state: data.state, state_description: data.state_description, total_amount: data.total_amount });
}

const told = (step, { status, data, headers }) => tell(step, { status, body: data, request_id: headers['request-id'] });

// A user grants a service.
const authorization_code = `e2e${Date.now()}`;
const grants = wxpay.v3.payscore.partner.permissions;
const grant = async (step) => {
  const { status, data } = await grants.authorizationCode.$authorization_code$.get({
    authorization_code, params: { service_id: E2E_GRANT_SERVICE_ID, sub_mchid },
  });
  tell(step, { status, state: data.authorization_state, openid: data.openid });
};
const asked = await grants.post({ service_id: E2E_GRANT_SERVICE_ID, appid, sub_mchid, authorization_code, notify_url });
tell('ask for a grant', { status: asked.status, token: asked.data.apply_permissions_token });
await grant('query asked');
await manage('grant', '/user/open-service', { openid, authorization_code });
await notified('granted');
await grant('query granted');

// An order is confirmed and cancelled.
const first = `${authorization_code}a`;
const cancellation = { service_id, sub_mchid, reason: '用户取消' };
await create('create', first);
await query('query created', first);
await manage('confirm', '/user/confirm', { out_order_no: first });
await notified('confirmed');
await query('query confirmed', first);
told('cancel', await orders.$out_order_no$.cancel.post(cancellation, { out_order_no: first }));
await query('query cancelled', first);

// Another one is completed, made cheaper and paid.
const second = `${authorization_code}b`;
const charge = (amount) => ({ service_id, sub_mchid, post_payments: [{ name: '雨伞租借', amount }], total_amount: amount });
await create('create another', second);
await manage('confirm another', '/user/confirm', { out_order_no: second });
await notified('confirmed another');
told('complete', await orders.$out_order_no$.complete.post(charge(4000), { out_order_no: second }));
await query('query completed', second);
told('modify', await orders.$out_order_no$.modify.post({ ...charge(3000), reason: '用户投诉' }, { out_order_no: second }));
await query('query modified', second);
await manage('deduct', '/clock/advance', { by: '1h' });
await notified('paid');
await query('query paid', second);

// Signatures live in real time, so a month later everything goes on.
await manage('a month later', '/clock/advance', { by: '720h' });
await query('query a month later', second);
server.close();
server.closeAllConnections();

if (!env.WECHATPAY_PUBLIC_KEY_FILE) {
  const { status, data } = await wxpay.v3.certificates.get();
  const { ciphertext, nonce, associated_data } = data.data[0].encrypt_certificate;
  const certificate = Aes.AesGcm.decrypt(ciphertext, env.WECHATPAY_APIV3_KEY, nonce, associated_data);
  tell('download certificates', { status, same: certificate.trim() === platformKey.toString().trim() });
}

await refused('unknown order', () => orders.$out_order_no$.cancel.post(cancellation, { out_order_no: 'no-such-order' }));

// The same answers, for one who has another platform key under the same ID.
const stranger = client(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey);
await refused('wrong platform key', () => stranger.v3.payscore.partner.serviceorder.get({ params: { service_id, sub_mchid, out_order_no: first } }));
