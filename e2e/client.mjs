// A merchant's life with wechatpay-axios-plugin, whose own verification is on: it makes
// an order, lets its user confirm it, cancels it, and asks for its state in between. Each
// thing that happened is a line of JSON for the Go test that started this.
//
// The environment is the simulator's wechatpay.env, and whom it knows.

import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import plugin from 'wechatpay-axios-plugin';

const { Wechatpay, Aes, Rsa, Formatter } = plugin;
const env = process.env;
const patience = 20_000; // milliseconds

const tell = (step, facts) => console.log(JSON.stringify({ step, ...facts }));

const platformKey = Rsa.from(readFileSync(env.WECHATPAY_PUBLIC_KEY_FILE), Rsa.KEY_TYPE_PUBLIC);

const client = (key) => new Wechatpay({
  mchid: env.WECHATPAY_MCHID,
  serial: env.WECHATPAY_SERIAL_NO,
  privateKey: readFileSync(env.WECHATPAY_PRIVATE_KEY_FILE),
  certs: { [env.WECHATPAY_PUBLIC_KEY_ID]: key },
  baseURL: env.WECHATPAY_BASE_URL,
  proxy: false,
  timeout: patience,
});
const wxpay = client(platformKey);

// refusal is what a failing call says: the gateway's answer, or the plugin's own error.
const refusal = (error) => ({
  error: error.code, status: error.response?.status, code: error.response?.data?.code, message: error.response?.data?.message,
});

// listen receives notifications, and answers 204 to those that verify.
function listen(received) {
  const server = createServer(async (req, res) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const text = Formatter.response(req.headers['wechatpay-timestamp'], req.headers['wechatpay-nonce'], body);
    const verified = req.headers['wechatpay-serial'] === env.WECHATPAY_PUBLIC_KEY_ID
      && Rsa.verify(text, req.headers['wechatpay-signature'], platformKey);
    res.writeHead(verified ? 204 : 400).end();
    const { event_type, resource } = JSON.parse(body);
    const { ciphertext, nonce, associated_data } = resource;
    const order = JSON.parse(Aes.AesGcm.decrypt(ciphertext, env.WECHATPAY_APIV3_KEY, nonce, associated_data));
    received({ verified, event_type, out_order_no: order.out_order_no, state: order.state, state_description: order.state_description });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

const within = (promise) => Promise.race([promise, new Promise((_, reject) => {
  setTimeout(() => reject(new Error('nothing happened in time')), patience).unref();
})]);

const orders = wxpay.v3.payscore.partner.serviceorder;
const out_order_no = `e2e${Date.now()}`;
const { E2E_APPID: appid, E2E_SUB_MCHID: sub_mchid, E2E_SERVICE_ID: service_id } = env;
const cancellation = { service_id, sub_mchid, reason: '用户取消' };

const query = async (step) => {
  const { status, data } = await orders.get({ params: { service_id, sub_mchid, out_order_no } });
  tell(step, { status, state: data.state, state_description: data.state_description });
};

let received;
const notification = new Promise((resolve) => { received = resolve; });
const server = await listen(received);

const created = await orders.post({
  out_order_no, appid, sub_mchid, service_id,
  service_introduction: '雨伞租借',
  risk_fund: { name: 'DEPOSIT', amount: 5000 },
  time_range: { start_time: 'OnAccept' },
  notify_url: `http://127.0.0.1:${server.address().port}/notifications`,
});
tell('create', { status: created.status, state: created.data.state, order_id: created.data.order_id });
await query('query created');

const confirmed = await fetch(`${env.WECHATPAY_MANAGE_URL}/user/confirm`, {
  method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ out_order_no }), signal: AbortSignal.timeout(patience),
});
tell('confirm', { status: confirmed.status });
tell('notification', await within(notification));
server.close();
server.closeAllConnections();
await query('query confirmed');

const cancelled = await orders.$out_order_no$.cancel.post(cancellation, { out_order_no });
tell('cancel', { status: cancelled.status, body: cancelled.data, request_id: cancelled.headers['request-id'] });
await query('query cancelled');

try {
  await orders.$out_order_no$.cancel.post(cancellation, { out_order_no: 'no-such-order' });
  tell('unknown order', {});
} catch (error) {
  tell('unknown order', refusal(error));
}

// The same answers, for one who has another platform key under the same ID.
const stranger = client(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey);
try {
  await stranger.v3.payscore.partner.serviceorder.get({ params: { service_id, sub_mchid, out_order_no } });
  tell('wrong platform key', {});
} catch (error) {
  tell('wrong platform key', refusal(error));
}
