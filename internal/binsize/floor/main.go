// Floor cancels a Pay Score order (取消支付分订单) by hand, with the standard library alone. It
// is what hello's size is measured against.
package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

const (
	mchID    = "1900000109"
	serialNo = "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB"
	keyID    = "PUB_KEY_ID_0119000001092024112600000000"
)

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := cancel(context.Background(), log, "20241124001"); err != nil {
		log.Error("not cancelled", "err", err)
		os.Exit(1)
	}
}

func cancel(ctx context.Context, log *slog.Logger, outOrderNo string) error {
	private, public, err := load()
	if err != nil {
		return err
	}
	body, err := json.Marshal(struct {
		SubMchID string `json:"sub_mchid"`
		Reason   string `json:"reason"`
	}{"1900000209", "用户取消"})
	if err != nil {
		return err
	}
	target := "/v3/payscore/partner/serviceorder/" + url.PathEscape(outOrderNo) + "/cancel"
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.mch.weixin.qq.com"+target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := sign(req, private, target, body); err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 10<<20))
	if err != nil {
		return err
	}
	if err := verify(res.Header, public, text); err != nil {
		return err
	}
	if res.StatusCode != http.StatusNoContent {
		var refusal struct{ Code, Message string }
		if err := json.Unmarshal(text, &refusal); err != nil {
			return err
		}
		return fmt.Errorf("%d %s: %s", res.StatusCode, refusal.Code, refusal.Message)
	}
	log.Info("cancelled", "status", res.StatusCode)
	return nil
}

func load() (*rsa.PrivateKey, *rsa.PublicKey, error) {
	var keys [2]any
	for i, name := range []string{"apiclient_key.pem", "pub_key.pem"} {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		block, _ := pem.Decode(text)
		if block == nil {
			return nil, nil, errors.New(name + " is not PEM")
		}
		if i == 0 {
			keys[i], err = x509.ParsePKCS8PrivateKey(block.Bytes)
		} else {
			keys[i], err = x509.ParsePKIXPublicKey(block.Bytes)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	private, ok := keys[0].(*rsa.PrivateKey)
	public, ok2 := keys[1].(*rsa.PublicKey)
	if !ok || !ok2 {
		return nil, nil, errors.New("not RSA")
	}
	return private, public, nil
}

func sign(req *http.Request, key *rsa.PrivateKey, target string, body []byte) error {
	var raw [16]byte
	rand.Read(raw[:])
	nonce, timestamp := hex.EncodeToString(raw[:]), strconv.FormatInt(time.Now().Unix(), 10)
	digest := sha256.Sum256([]byte(req.Method + "\n" + target + "\n" + timestamp + "\n" + nonce + "\n" + string(body) + "\n"))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", fmt.Sprintf(`WECHATPAY2-SHA256-RSA2048 mchid="%s",nonce_str="%s",timestamp="%s",serial_no="%s",signature="%s"`,
		mchID, nonce, timestamp, serialNo, base64.StdEncoding.EncodeToString(signature)))
	req.Header.Set("Wechatpay-Serial", keyID)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	return nil
}

func verify(header http.Header, key *rsa.PublicKey, body []byte) error {
	timestamp := header.Get("Wechatpay-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute || header.Get("Wechatpay-Serial") != keyID {
		return errors.New("not fresh, or another key")
	}
	signature, err := base64.StdEncoding.DecodeString(header.Get("Wechatpay-Signature"))
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(timestamp + "\n" + header.Get("Wechatpay-Nonce") + "\n" + string(body) + "\n"))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature)
}
