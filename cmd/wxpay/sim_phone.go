package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openwechatpay/wechatpay/sim/control"
)

// frontEnds are what --as takes, with what each hands over.
var frontEnds = []struct {
	as   control.FrontEnd
	text string
}{
	{control.JSAPI, "a page in WeChat: the object of getBrandWCPayRequest"},
	{control.MiniProgram, "the object of wx.requestPayment; --appid says which mini-program, where the simulator has no order"},
	{control.App, "the request of an app, PayReq: appid, partnerid, prepayid, package, noncestr, timestamp, sign"},
	{control.H5, "a page in a browser: the h5_url or mweb_url, with its redirect_url"},
	{control.Native, "the code_url that the user scans"},
	{control.PayScoreUse, "confirm an order of Pay Score (wxpayScoreUse): the object, or the queryString"},
	{control.PayScoreDetail, "look at an order of Pay Score (wxpayScoreDetail)"},
	{control.PayScoreEnable, "grant a service (wxpayScoreEnable)"},
	{control.PayScorePlan, "sign a plan (wxpayScorePlan)"},
	{control.RedPacket, "the object of wx.sendBizRedPacket, with --appid"},
	{control.Coupon, "the plug-in of mini-programs that hands out coupons"},
	{control.CouponH5, "the URL of the page that hands out a coupon (商家券)"},
}

func (p program) phoneCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "phone",
		Short:   "Be the phone that a merchant's page or app hands its parameters to (调起支付)",
		Example: "  wxpay sim phone open --as jsapi parameters.json",
	}
	r := p.remote(cmd)
	cmd.AddCommand(r.openPhoneCommand())
	return cmd
}

func (r *remote) openPhoneCommand() *cobra.Command {
	h := control.Handed{}
	help := ""
	var names []string
	var completions []cobra.Completion
	for _, f := range frontEnds {
		names = append(names, string(f.as))
		completions = append(completions, cobra.CompletionWithDesc(string(f.as), f.text))
		help += fmt.Sprintf("  %-16s  %s\n", f.as, f.text)
	}
	cmd := &cobra.Command{
		Use:   "open --as FRONTEND FILE|URL|-",
		Short: "Check what a front end hands over, as the phone does",
		Long: `Check what a front end hands over, as the phone does before it opens the cashier or a page of
Pay Score (支付分): that all is there and of the right type, that appid, merchant and order belong
together, the signature, and whether the order can still be paid. It tells what the phone shows,
what is wrong, and which mistake explains a signature that does not match.

The front ends are:

` + help + `
FILE has the parameters as the front end passes them on: JSON, or a URL. A URL may stand in its place, and
- is standard input. With --then the user goes on if the page opens. Nothing else changes anything.`,
		Example: `  wxpay sim phone open --as jsapi parameters.json
  wxpay sim phone open --as native 'weixin://wxpay/bizpayurl?pr=PWOmXCUzz' --then pay
  wxpay sim phone open --as mini-program - --appid wxd678efh567hg6787 < parameters.json
  wxpay sim phone open --as pay-score-use parameters.json --then confirm`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return err
			}
			if !slices.Contains(names, string(h.As)) {
				return fmt.Errorf("want --as and one of %s", strings.Join(names, ", "))
			}
			return nil
		},
	}
	cmd.RunE = r.does(func(ctx context.Context, c *control.Client, args []string) (err error) {
		if h.Parameters, err = readParameters(args[0], cmd.InOrStdin()); err != nil {
			return err
		}
		opened, err := c.OpenPhone(ctx, h)
		if err != nil {
			return err
		}
		return errors.Join(r.show(opened, func(p paper) { p.opened(opened) }), refused(opened))
	})
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar((*string)(&h.As), "as", "", "`front end` that hands over, see above")
	flags.StringVar(&h.AppID, "appid", "", "`appid` of the mini-program, page or app, where its parameters do not have it")
	flags.StringVar(&h.MchID, "mchid", "", "`merchant` (商户号) that made the order, where the appid is that of several")
	flags.StringVar(&h.OpenID, "openid", "", "`user` whose phone it is (default whoever may act)")
	flags.StringVar((*string)(&h.Then), "then", "", "what the user `does` if the page opens: pay, confirm, open-service, sign-plan or leave (default nothing)")
	_ = cmd.RegisterFlagCompletionFunc("as", cobra.FixedCompletions(completions, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// maxParameters is how much is read, in bytes: no front end hands over more.
const maxParameters = 64 << 10

// readParameters reads a file, standard input, or an address that is named itself. What is no object is a string.
func readParameters(name string, stdin io.Reader) (json.RawMessage, error) {
	text, err := []byte(name), error(nil)
	switch {
	case name == "-":
		text, err = io.ReadAll(io.LimitReader(stdin, maxParameters+1))
	case !strings.Contains(name, "://"):
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("the parameters cannot be read: %w", err)
	}
	switch text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff"))); {
	case len(text) > maxParameters:
		return nil, fmt.Errorf("%s has more than %d bytes: want the parameters of one call", name, maxParameters)
	case json.Valid(text):
		return text, nil
	case len(text) == 0 || text[0] == '{' || text[0] == '[':
		return nil, fmt.Errorf("%s is not JSON: want what the front end passes on, with names and strings in double quotes", name)
	}
	return json.Marshal(string(text))
}

// refused is the error of a page that does not open.
func refused(o control.Opened) error {
	switch {
	case o.Opens:
		return nil
	case o.Number != 0:
		return fmt.Errorf("it does not open: the phone shows the error %d", o.Number)
	}
	return fmt.Errorf("it does not open: %s", cmp.Or(harmless(o.Shows), harmless(o.Callback), "what the phone shows is not known"))
}

// opened shows what the phone made of it. What is wrong comes with what to do.
func (p paper) opened(o control.Opened) {
	for _, c := range o.Checks {
		mark := p.paint(green, "✓")
		if !c.Passed {
			mark = p.paint(red, "✗")
		}
		line := mark + " " + c.Name
		if c.Finding != "" {
			line += ": " + harmless(c.Finding)
		}
		if c.Basis != "" {
			line += p.paint(faint, " (what is shown is "+string(c.Basis)+")")
		}
		p.line("%s", line)
		if c.Mend != "" {
			p.line("    %s", harmless(c.Mend))
		}
	}
	pairs := []string{}
	if !o.Opens && o.SignedText != "" {
		pairs = append(pairs, "to be signed", fmt.Sprintf("%q", o.SignedText))
	}
	if a := o.About; a != nil {
		pairs = append(pairs, "about", cmp.Or(a.OutTradeNo, a.OutOrderNo, a.AuthorizationCode, a.MerchantSignPlanNo), "state", a.State, "query_id", a.QueryID)
	}
	p.pairs("  ", append(pairs, "callback", o.Callback)...)
	if o.Opens {
		p.done("it opens")
	}
}
