package main

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/openwechatpay/wechatpay/sim/world"
)

// report prints what the demo does.
type report interface {
	begin(s *stage) error
	step(st step, r result) error
	end(held int) error
}

func newReport(w io.Writer, asJSON bool) report {
	if asJSON {
		return jsonReport{w}
	}
	return &textReport{newPaper(w)}
}

// jsonReport prints one object for each step.
type jsonReport struct{ w io.Writer }

var _ report = jsonReport{}

func (jsonReport) begin(*stage) error { return nil }

func (j jsonReport) step(_ step, r result) error {
	return printJSON(j.w, r)
}

func (jsonReport) end(int) error { return nil }

// textReport prints for people, on 80 to 100 columns.
type textReport struct{ paper }

var _ report = (*textReport)(nil)

func (t *textReport) begin(s *stage) error {
	in := cancelRequest()
	_, err := fmt.Fprintf(t.w, `%s

  simulator  %s, in this process
  merchant   %s, a service provider (服务商), for its sub-merchant (子商户) %s

%s

`,
		t.paint(bold, "Cancel a Pay Score order (取消支付分订单) in six ways"),
		s.baseURL, s.merchant.MchID, world.SubMerchant,
		t.paint(cyan, fmt.Sprintf(`  in := payscore.CancelPartnerServiceOrderRequest{
      ServiceID: %q, SubMchID: %q, Reason: %q,
  }`, in.ServiceID, in.SubMchID, in.Reason)))
	return err
}

func (t *textReport) step(st step, r result) error {
	mark := t.paint(green, "✓")
	if r.Failed != "" {
		mark = t.paint(red, "✗")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %2d  %s\n", mark, r.Step, t.paint(bold, st.name))
	line := func(text string) { b.WriteString("      " + text + "\n") }
	for code := range strings.SplitSeq(st.line, "\n") {
		line(t.paint(cyan, strings.ReplaceAll(code, "\t", "    ")))
	}
	if r.Method != "" {
		line(r.Method + " " + target(r.URL))
		requestID := t.paint(faint, "Request-ID "+cmp.Or(r.RequestID, "-"))
		if r.Code == "" && r.EventType == "" {
			line(t.facts(r.facts) + " · " + requestID)
		} else { // which do not leave room for it
			line(t.facts(r.facts))
			line(requestID)
		}
	}
	if r.TransactionID != "" {
		line("transaction " + r.TransactionID)
	}
	if r.Message != "" {
		line(r.Message)
	}
	if r.Failed != "" {
		line(t.paint(red, "did not hold: "+r.Failed))
	}
	_, err := fmt.Fprintln(t.w, b.String())
	return err
}

// facts is one line about what came of a step.
func (t *textReport) facts(f facts) string {
	parts := []string{fmt.Sprint(f.Status)}
	for _, part := range []string{f.Code, f.Outcome, f.EventType} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if f.Verified {
		parts = append(parts, "signature verified")
	} else {
		parts = append(parts, "not verified")
	}
	if f.State != "" {
		parts = append(parts, t.paint(bold, f.State))
	}
	if f.TotalAmount != 0 {
		parts = append(parts, fmt.Sprintf("%d fen", f.TotalAmount))
	}
	return strings.Join(parts, " · ")
}

func (t *textReport) end(held int) error {
	_, err := fmt.Fprintf(t.w, "%s\n", t.paint(green, fmt.Sprintf("All %d steps held.", held)))
	return err
}

// target is the path and query of a URL.
func target(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.RequestURI()
}
