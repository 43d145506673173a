#!/bin/sh
# Makes own.json: vectors of our own, computed by OpenSSL, so that the Go code is checked
# against an implementation that it shares nothing with. Run by hand; the keys are new each
# time. AES-GCM is not in OpenSSL's command line, so those vectors come from Node.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$tmp/merchant.pem" 2>/dev/null
openssl rsa -in "$tmp/merchant.pem" -traditional -out "$tmp/merchant_pkcs1.pem" 2>/dev/null
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$tmp/platform.pem" 2>/dev/null
openssl pkey -in "$tmp/platform.pem" -pubout -out "$tmp/platform_pub.pem"
for n in old new; do
	openssl req -x509 -key "$tmp/platform.pem" -subj "/CN=Tenpay.com sign/O=vectors" -days 1825 \
		-set_serial "0x$([ $n = old ] && echo 0A || echo 7B)00112233445566778899AABBCCDDEEFF001122" \
		-out "$tmp/$n.pem"
	sleep 1 # so that the new one begins later
done
TMP=$tmp node make.mjs > own.json
