// Orders of APIv2 with wechatpay-axios-plugin, whose own verification is on: one is paid, notified,
// queried and refunded with the merchant's certificate in TLS, another one is closed. Each thing that
// happened is a line of JSON for the Go test that started this.

import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import plugin from 'wechatpay-axios-plugin';

const { Wechatpay, Aes, Hash, Transformer } = plugin;
const env = process.env;
const patience = 20_000; // milliseconds
const secret = env.WECHATPAY_APIV2_KEY;

const tell = (step, facts) => console.log(JSON.stringify({ step, ...facts }));

const client = (key) => new Wechatpay({
  mchid: env.WECHATPAY_MCHID,
  serial: env.WECHATPAY_SERIAL_NO,
  privateKey: readFileSync(env.WECHATPAY_PRIVATE_KEY_FILE),
  certs: { [env.WECHATPAY_PUBLIC_KEY_ID]: readFileSync(env.WECHATPAY_PUBLIC_KEY_FILE) },
  secret: key,
  merchant: { cert: readFileSync(env.WECHATPAY_CERTIFICATE_FILE), key: readFileSync(env.WECHATPAY_PRIVATE_KEY_FILE), ca: readFileSync(env.WECHATPAY_CA_FILE) },
  baseURL: env.WECHATPAY_BASE_URL,
  proxy: false,
  timeout: patience,
});
const wxpay = client(secret);

// Notifications are answered SUCCESS if they verify, and wait until a step takes them.
const inbox = [];
let arrived = () => {};
const server = createServer(async (req, res) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const message = Transformer.toObject(Buffer.concat(chunks));
  const { sign, sign_type, req_info } = message;
  const verified = req_info !== undefined || sign === Hash.sign(sign_type ?? 'MD5', message, secret);
  res.writeHead(200, { 'Content-Type': 'text/xml' }).end(Transformer.toXml({ return_code: verified ? 'SUCCESS' : 'FAIL', return_msg: 'OK' }));
  inbox.push({ verified, ...message, ...(req_info ? Transformer.toObject(Buffer.from(Aes.AesEcb.decrypt(req_info, Hash.md5(secret)))) : {}) });
  arrived();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const notify_url = `http://127.0.0.1:${server.address().port}/notifications`;

const within = (promise) => Promise.race([promise, new Promise((_, reject) => {
  setTimeout(() => reject(new Error('nothing happened in time')), patience).unref();
})]);

async function notified(step) {
  if (inbox.length === 0) await within(new Promise((resolve) => { arrived = resolve; }));
  const { verified, out_trade_no, total_fee, transaction_id, out_refund_no, refund_status } = inbox.shift();
  tell(step, { verified, out_trade_no, total_fee, transaction_id, out_refund_no, refund_status });
}

async function manage(step, path, body) {
  const { status } = await fetch(`${env.WECHATPAY_MANAGE_URL}${path}`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), signal: AbortSignal.timeout(patience),
  });
  tell(step, { status });
}

// call tells what the plugin made of an answer: its data, or why it refused it.
async function call(step, endpoint, params, security) {
  const nonce_str = Hash.md5(`${step}${Date.now()}`);
  try {
    const { data } = await endpoint.post({ appid: env.E2E_APPID, mch_id: env.WECHATPAY_MCHID, nonce_str, ...params }, { security });
    const { return_code, result_code, err_code, trade_state, prepay_id, refund_id, refund_status_0, total_fee } = data;
    tell(step, { return_code, result_code, err_code, trade_state, prepay_id, refund_id, refund_status_0, total_fee });
  } catch (error) {
    tell(step, { error: error.message, data: error.response?.data });
  }
}

const v2 = wxpay.v2.pay;
const order = (out_trade_no) => ({
  out_trade_no, body: '雨伞 <a> & b', total_fee: 4000, spbill_create_ip: '127.0.0.1', notify_url, trade_type: 'NATIVE', product_id: '1',
});
const first = `e2e${Date.now()}a`;
const second = `e2e${Date.now()}b`;

await call('create', v2.unifiedorder, order(first));
await call('query created', v2.orderquery, { out_trade_no: first });
await manage('pay', '/user/pay-trade', { out_trade_no: first });
await notified('paid');
await call('query paid', v2.orderquery, { out_trade_no: first });
await call('create again', v2.unifiedorder, order(first));
const refund = { out_trade_no: first, out_refund_no: `${first}r`, total_fee: 4000, refund_fee: 1500, notify_url };
await call('refund without a certificate', wxpay.v2.secapi.pay.refund, refund, false);
await call('refund', wxpay.v2.secapi.pay.refund, refund, true);
await manage('settle', '/refund/settle', { out_refund_no: `${first}r`, refund_status: 'SUCCESS' });
await notified('refunded');
await call('query refund', v2.refundquery, { out_trade_no: first });

await call('create with HMAC', v2.unifiedorder, { ...order(second), sign_type: 'HMAC-SHA256' });
await call('close', v2.closeorder, { out_trade_no: second });
await call('query closed', v2.orderquery, { out_trade_no: second });
server.close();
server.closeAllConnections();

// Its verification is on: with another key it refuses the answer, and the gateway its request.
await call('wrong key', client('0123456789abcdef0123456789abcdef').v2.pay.orderquery, { out_trade_no: second });
