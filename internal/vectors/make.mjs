// Prints own.json for make.sh: signatures by the openssl command, AES-GCM by Node.
import { execFileSync } from 'node:child_process'
import { createCipheriv, createHash, createHmac, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

const dir = process.env.TMP
const read = name => readFileSync(`${dir}/${name}`, 'utf8')

function sign(key, text) {
	writeFileSync(`${dir}/text`, text)
	return execFileSync('openssl', ['dgst', '-sha256', '-sign', `${dir}/${key}`, `${dir}/text`]).toString('base64')
}

function oaep(text) {
	writeFileSync(`${dir}/text`, text)
	return execFileSync('openssl', ['pkeyutl', '-encrypt', '-inkey', `${dir}/merchant.pem`, '-in', `${dir}/text`,
		'-pkeyopt', 'rsa_padding_mode:oaep', '-pkeyopt', 'rsa_oaep_md:sha1', '-pkeyopt', 'rsa_mgf1_md:sha1']).toString('base64')
}

function gcm(key, nonce, aad, text) {
	const c = createCipheriv('aes-256-gcm', key, nonce)
	c.setAAD(Buffer.from(aad))
	return Buffer.concat([c.update(text, 'utf8'), c.final(), c.getAuthTag()])
}

const apiKey = 'own-vectors-APIv3-key-0123456789'
const source = 'make.sh'
const vectors = []
const add = (name, kind, rest) => vectors.push({ name, kind, ...rest, source })

function request(name, method, url, body) {
	const timestamp = '1732435200', nonce = '0f1e2d3c4b5a69788796a5b4c3d2e1f0'
	const message = `${method}\n${url}\n${timestamp}\n${nonce}\n${body}\n`
	add(name, 'v3-request-sign', { key: 'own_merchant', method, url, timestamp, nonce, body, message, signature: sign('merchant.pem', message) })
}
request('cancel with a Chinese reason', 'POST', '/v3/payscore/partner/serviceorder/order-1%7C2/cancel', '{"sub_mchid":"1900000209","reason":"用户取消"}')
request('query with encoded values', 'GET', '/v3/payscore/partner/serviceorder?sub_mchid=1900000209&out_order_no=a%20b%26c', '')
request('body that ends in a line feed', 'POST', '/v3/certificates', '{}\n')
request('post without a body', 'POST', '/v3/pay/transactions/out-trade-no/1/close', '')

function answer(name, body) {
	const timestamp = '1732435201', nonce = '00112233445566778899aabbccddeeff'
	const message = `${timestamp}\n${nonce}\n${body}\n`
	add(name, 'v3-response-verify', { key: 'own_platform', timestamp, nonce, body, message, signature: sign('platform.pem', message) })
}
answer('empty body of a 204', '')
answer('body in Chinese', '{"state":"REVOKED","reason":"用户取消"}')
answer('body that ends in a line feed', '{}\n')

add('text of a bare signature', 'rsa-sign', { key: 'own_merchant', message: 'a text', signature: sign('merchant.pem', 'a text') })
add('field in Chinese', 'rsa-oaep-sha1', { key: 'own_merchant', ciphertext: oaep('张三'), plaintext: '张三' })
add('longest field', 'rsa-oaep-sha1', { key: 'own_merchant', ciphertext: oaep('x'.repeat(214)), plaintext: 'x'.repeat(214) })
add('OAEP limit', 'limit', { rsa_bits: 2048, max_plaintext_bytes: 214 })
for (const [name, nonce, aad, plaintext] of [
	['associated data of a notification', 'abcdefghijkl', 'payscore', '{"state":"DOING"}'],
	['empty associated data', 'mnopqrstuvwx', '', '{"state":"DONE"}'],
	['nonce of 16 bytes', 'a8607ef79034c49c', '', '`2024-11-24'],
	['nonce of one byte', 'n', 'x', 'short nonce'],
	['empty plaintext', '0123456789ab', '', ''],
]) add(name, 'aes-gcm', { api_key: apiKey, nonce, associated_data: aad, plaintext, ciphertext: gcm(apiKey, nonce, aad, plaintext).toString('base64') })

const serial = pem => new X509Certificate(pem).serialNumber
const olds = serial(read('old.pem')), news = serial(read('new.pem'))
add('newest certificate is asked for', 'cert-selection', { certs: [olds, news], expected_serial: news })

const plaintext = '{"out_order_no":"1234323JKHDFE1243252","state":"DOING"}'
const body = JSON.stringify({
	id: '7a7c5c36-2f0b-5c9c-9d1e-0a1b2c3d4e5f', create_time: '2024-11-24T16:00:00+08:00', resource_type: 'encrypt-resource',
	event_type: 'PAYSCORE.USER_CONFIRM', summary: '确认订单',
	resource: { original_type: 'payscore', algorithm: 'AEAD_AES_256_GCM', ciphertext: gcm(apiKey, 'zyxwvutsrqpo', '', plaintext).toString('base64'), nonce: 'zyxwvutsrqpo', associated_data: '' },
})
const message = `1732435202\nEcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz\n${body}\n`
add('Pay Score notification', 'v3-callback', {
	headers: { 'Wechatpay-Timestamp': '1732435202', 'Wechatpay-Nonce': 'EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz', 'Wechatpay-Serial': news, 'Wechatpay-Signature': sign('platform.pem', message) },
	body, message, apiv3_key: apiKey, plaintext,
})

// APIv2, which needs no keys but the merchant's own.
function v2(name, params, text) {
	const temp = `${text}&key=${apiKey}`
	const md5 = createHash('md5').update(temp).digest('hex').toUpperCase()
	const hmac_sha256 = createHmac('sha256', apiKey).update(temp).digest('hex').toUpperCase()
	add(name, 'v2-sign', { params, api_key: apiKey, string_a: text, string_sign_temp: temp, md5, hmac_sha256 })
}
v2('what is not signed', { sign: 'X', attach: '', total_fee: '0', Zeta: '1', re_openid: 'o', remark: ' 支付 & 退款=1 ' }, 'Zeta=1&re_openid=o&remark= 支付 & 退款=1 &total_fee=0')
v2('indexed members', { coupon_id_10: 'k', coupon_id_2: 'c', coupon_id_0: 'a' }, 'coupon_id_0=a&coupon_id_10=k&coupon_id_2=c')

const refund = '<root>\n<refund_status><![CDATA[SUCCESS]]></refund_status>\n<refund_recv_accout><![CDATA[支付用户零钱]]></refund_recv_accout>\n</root>'
const ecbKey = createHash('md5').update(apiKey).digest('hex')
const ecb = createCipheriv('aes-256-ecb', ecbKey, null)
add('refund notification', 'v2-req-info', { apiv2_key: apiKey, aes_key_md5_hex_lower: ecbKey, plaintext: refund, req_info: Buffer.concat([ecb.update(refund, 'utf8'), ecb.final()]).toString('base64') })

const keys = {
	own_merchant: { pem_pkcs8: read('merchant.pem'), pem_pkcs1: read('merchant_pkcs1.pem') },
	own_platform: { pem_spki: read('platform_pub.pem') },
	own_certs: { [olds]: { pem: read('old.pem') }, [news]: { pem: read('new.pem') } },
}
console.log(JSON.stringify({ _about: 'Vectors of our own; see make.sh.', keys, vectors }, null, 1))
