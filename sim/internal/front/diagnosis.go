package front

import (
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim/internal/doctor"
	"github.com/openwechatpay/wechatpay/sim/internal/keys"
)

// diagnose notes the mistakes of the client that explain its signature, and returns them in a line.
func (f *Front) diagnose(x *Exchange, a auth.Authorization, m *keys.Merchant) string {
	_, template, _ := strings.Cut(x.Operation, " ")
	var meta []byte
	if x.upload != nil {
		meta = x.upload.Meta
	}
	x.Diagnosis = doctor.Diagnose(doctor.Case{
		Method: x.Method, Target: x.Target, Host: x.Host, Header: x.Header, Body: x.Body, Meta: meta,
		Template:      template,
		Authorization: a,
		Public:        m.Public,
		Others:        f.Keys.Others(m.MchID),
	})
	if x.Diagnosis == nil {
		return "unknown-key: No key that the simulator knows made this signature. " +
			"Load the private key that belongs to the certificate serial_no, and see that nothing changes the signature on its way."
	}
	return explained(x.Diagnosis)
}

// explained are findings in a line.
func explained(findings []doctor.Finding) string {
	var lines []string
	for _, finding := range findings {
		lines = append(lines, finding.Mistake+": "+finding.Explanation)
	}
	return strings.Join(lines, " ")
}
