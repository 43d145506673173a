package phone

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/keys"
)

// rsa is the signType of APIv3. It signs lines, with the merchant's private key.
const rsa auth.SignType = "RSA"

// kindOf is by what a signature was probably made.
func kindOf(sign string) auth.SignType {
	switch {
	case !hexadecimal(sign):
		return rsa
	case len(sign) == 64:
		return auth.HMACSHA256
	}
	return auth.MD5
}

func hexadecimal(sign string) bool {
	_, err := hex.DecodeString(sign)
	return err == nil && (len(sign) == 32 || len(sign) == 64)
}

// signature is a signature with what it should sign.
type signature struct {
	kind    auth.SignType
	members xmlv2.Members // of RSA in the order of its lines
	sign    string
	name    string        // of the parameter that it is
	sent    xmlv2.Members // all parameters, in the order in which they were handed over
	appIDs  []string      // those of the world, which may have been mixed up
	more    xmlv2.Members // what may have been signed besides
}

// maxMore is how many members are thought of that should not have been signed.
const maxMore = 20

// signature is that in the parameter name, which has to be one of these members.
func (o *opening) signature(kind auth.SignType, members xmlv2.Members, name string) *signature {
	s := &signature{kind: kind, members: members, sign: o.sent.Get(name), name: name, sent: o.sent}
	for _, m := range o.World.Merchants {
		s.appIDs = append(s.appIDs, m.AppIDs...)
	}
	for _, m := range o.sent {
		if m.Name != name && members.Get(m.Name) == "" && len(s.more) < maxMore {
			s.more = append(s.more, m)
		}
	}
	if about := o.out.About; about != nil && about.OutTradeNo != "" {
		s.more.Set("mch_id", about.MchID)
	}
	return s
}

// text is what is to be signed, but for the key of APIv2.
func (s *signature) text() string { return s.lay(s.members) }

func (s *signature) lay(members xmlv2.Members) string {
	if s.kind != rsa {
		return string(auth.ParamsText(members.Texts()))
	}
	var b strings.Builder
	for _, m := range members {
		b.WriteString(m.Text + "\n")
	}
	return b.String()
}

// by tells whether the merchant made the signature.
func (s *signature) by(m *keys.Merchant) bool {
	if s.kind == rsa {
		return auth.Verify(m.Public, []byte(s.text()), s.sign) == nil
	}
	want, err := s.kind.Sign(m.APIv2Key, s.members.Texts())
	return err == nil && want == s.sign
}

// checkSignature checks whether one of the signatures that there may be was made by one of the merchants that may
// have made it. The first of both is what the developer is told.
func (o *opening) checkSignature(s shown, merchants []*keys.Merchant, all ...*signature) {
	for _, sig := range all {
		if slices.ContainsFunc(merchants, sig.by) {
			o.out.SignedText = sig.text()
			o.pass("signature")
			return
		}
	}
	o.out.SignedText = all[0].text()
	o.fail("signature", s, all[0].name+" does not match", "compare what you sign with signed_text, byte by byte, just before it is signed")
	check := len(o.out.Checks) - 1
	o.explain = func() {
		o.out.Diagnosis = o.diagnose(merchants[0], all)
		var names, explained []string
		for _, d := range o.out.Diagnosis {
			names, explained = append(names, d.Mistake), append(explained, d.Explanation)
		}
		if c := &o.out.Checks[check]; names != nil {
			c.Finding += ": " + strings.Join(names, ", ")
			c.Mend = strings.Join(explained, " ")
		}
	}
}
