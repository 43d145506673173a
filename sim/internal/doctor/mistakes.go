package doctor

// explanations say of each mistake what the client did, and what to do. %s stands for a detail.
var explanations = map[string]string{
	// Key, encoding, algorithm.
	"other-key":              "The signature was made with the private key of %s, not of the merchant in whose name it is (of a call, mchid and serial_no name him). Load that merchant's apiclient_key.pem, or name the merchant whose key is in use.",
	"signature-base64url":    "The signature is in the base64 of URLs (- and _), or lacks its padding. Encode it in standard base64 (+, / and =).",
	"signature-unpadded":     "The = at the end of the signature is missing. Encode it in standard base64 with padding.",
	"signature-base64-twice": "The signature was encoded in base64 twice. Encode the bytes of the signature once.",
	"signature-hex":          "The signature is in hexadecimal. Encode the bytes of the signature in standard base64.",
	"signature-plus-lost":    "The signature has spaces where base64 has a plus sign: it went through URL decoding. Hand it over as it is.",
	"signature-wrapped":      "The signature has spaces or line breaks in it: the base64 was wrapped into lines. Encode it in one line (openssl base64 -A, base64 -w0, Base64.NO_WRAP).",
	"signature-escaped":      "The signature was escaped for a URL or for JSON (%2B, \\/). Hand the base64 over as it is.",
	"signature-reversed":     "The bytes of the signature are in reverse order, as CryptoAPI of Windows returns them. Reverse them before base64.",
	"v2-signature":           "The signature looks like %s, in hexadecimal: that is how APIv2 signs. APIv3 signs with the merchant's private key: SHA-256 with RSA, in base64.",
	"not-rsa":                "The signature has the form of an elliptic curve's (ECDSA, SM2). This scheme is SHA-256 with RSA: sign with the RSA key apiclient_key.pem.",
	"pss":                    "The signature is padded by PSS. Choose PKCS #1 v1.5: phpseclib and some others take PSS unless told otherwise.",
	"other-hash":             "The signature was made with %s. Choose SHA-256 with RSA (SHA256withRSA, RSA-SHA256, OPENSSL_ALGO_SHA256).",
	"digest-info-missing":    "The text or its hash was encrypted with the private key (privateEncrypt, NONEwithRSA, rsautl), which leaves out the name of the hash. Call a function that signs: SHA256withRSA, with the whole text.",
	"hashed-twice":           "The hash of the text was signed, and so hashed once more. Give the text itself to the function that signs with SHA-256.",
	"unknown-text":           "Everything else is known, but none of the usual mistakes leads to the text that was signed. Its hash is %s. Log the text just before the client signs it, and compare it with the one that the gateway expects; a nonce or time that is made twice, or a body that is changed after signing, are frequent.",

	// Method and target.
	"method-case":              "The method was signed as %s. Sign it in upper case.",
	"method-other":             "The method was signed as %s, but the request has another. Sign the method that is sent.",
	"host-included":            "Scheme or host were signed with the target. Sign what follows the host: path and query.",
	"base-path-dropped":        "The beginning of the path was not signed: %s. Sign the whole path, as it stands in the request line.",
	"base-path-added":          "The path was signed with %s in front, which the gateway did not receive. Sign the path as the gateway gets it: a proxy or a base URL may change it.",
	"leading-slash-missing":    "The path was signed without its first slash. Sign it as it stands in the request line.",
	"trailing-slash":           "The path was signed with a slash at the end that was not sent, or without one that was. Sign the path that is sent.",
	"path-template":            "The path was signed with the name of a parameter where its value belongs. Sign the path after its parameters are filled in.",
	"query-left-out":           "The query was not signed. Sign path and query, with the ? between them, as they stand in the request line.",
	"query-parameter-left-out": "The parameter %s of the query was not signed. Sign the query after all parameters are there.",
	"query-mark":               "The ? of the target was signed without being sent, or sent without being signed. Sign the target as it stands in the request line.",
	"query-reordered":          "The parameters of the query were signed in another order than they were sent. Nothing is to be sorted: build the query once, sign it and send it.",
	"target-decoded":           "The target was signed without its percent-encoding. Sign it as it stands in the request line, encoded.",
	"target-encoded":           "The target was percent-encoded for signing, but sent as it was before. Encode it once, sign it and send it.",
	"target-reencoded":         "The target was percent-encoded in another way for signing than for sending (%20 or +, upper or lower case, other characters). Encode it once, sign it and send it.",

	// Timestamp and nonce.
	"timestamp-milliseconds": "The timestamp was signed in milliseconds or with decimals, and sent in seconds. Take the time once, in whole seconds, for both.",
	"timestamp-differs":      "The timestamp that was signed is %s than the one in the header. Take the time once, for both.",
	"nonce-case":             "The nonce was signed in another case than it has in the header. Make it once, and use it for both.",
	"nonce-encoded":          "The nonce was percent-encoded in one place and not in the other. Use letters and digits only.",
	"nonce-dashes":           "The nonce was signed with dashes that it lacks in the header, or without those that it has. Use it for both as it is.",
	"value-spaces":           "A space or a line break at the edge of the timestamp or the nonce was signed and not sent, or sent and not signed. Trim the value before both.",

	// Body.
	"body-left-out":         "The body was not signed. Sign the bytes that are sent.",
	"body-not-sent":         "The text was signed with the body %s, but no body was sent. Sign an empty line where there is no body.",
	"query-as-body":         "The parameters of the query were signed as the body. They belong to the target; without a body its line is empty.",
	"body-newline-signed":   "One line feed too many was signed after the body: it ends the body before it is sent (as Encode of Go and echo do), or was added twice. Sign the bytes that are sent, and one line feed.",
	"body-newline-unsigned": "The body was sent with a line break at its end that was not signed. Sign the bytes that are sent, and one line feed more.",
	"body-spaces":           "White space at the edges of the body was trimmed or changed before signing, not before sending. Sign the bytes that are sent.",
	"body-bom":              "The byte order mark before the body was signed and not sent, or sent and not signed. Send none.",
	"body-gzip":             "The body was signed as it was before its compression. Send it uncompressed.",
	"body-charset":          "The body was signed in another character set: %s. Convert it to bytes once, as UTF-8, sign them and send them.",
	"body-as-form":          "The body was signed as name=value pairs, as in APIv2. Sign the JSON as it is sent.",
	"body-stringified":      "The JSON was marshalled once more as a string, for signing or for sending. Marshal it once, sign it and send it.",
	"body-remarshalled":     "The body was marshalled twice, with different results: it was signed with %s. Marshal it once, sign these bytes and send them.",

	// Uploads.
	"upload-body-signed":  "The whole multipart body was signed. Of an upload, sign the text of the part named meta only.",
	"upload-empty-signed": "An empty body was signed. Of an upload, sign the text of the part named meta.",
	"upload-part-signed":  "The part %s of the multipart body was signed. Of an upload, sign the text of the part named meta.",
	"meta-signed":         "Only the part named meta was signed, but this call takes no uploads. Send the body that it documents, and sign all of it.",

	// The lines.
	"final-newline-missing": "The line feed after the last line is missing. Every line ends in one, the last one (the body) too.",
	"final-newline-extra":   "One line feed too many was signed at the end, be it after the nonce or after the body. Without a body the text ends in two: that of the nonce and that of the empty line.",
	"body-line-missing":     "The line of the body is missing. It is there without a body too, empty: the text ends in two line feeds.",
	"leading-newline":       "The text begins with a line feed. It begins with the method.",
	"crlf":                  "The lines were ended by a carriage return (\\r\\n or \\r). End each by a line feed (\\n) only.",
	"literal-backslash-n":   "The lines were ended by a backslash and the letter n. Write a real line feed: \"\\n\" is not one in single quotes of PHP or the shell.",
	"separator-wrong":       "The lines were separated by %s. End each by a line feed, the last one too.",
	"lines-reordered":       "The lines were signed in the order %s. The order is method, target, timestamp, nonce, body.",
	"line-missing":          "The line of the %s is missing. The lines are method, target, timestamp, nonce, body.",
	"answer-layout":         "Timestamp, nonce and body were signed, as WeChat Pay signs its answers. A request begins with method and target.",
}
