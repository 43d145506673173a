package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
)

// This file makes what APIv2 alone has: the table of how its operations are signed.

// callers are the members that may be the number of the merchant who calls, the likeliest first.
var callers = []string{"mch_id", "mchid", "combine_mch_id", "sp_mch_id"}

// factsV2File is the table of package facts for APIv2. All operations are in it, for each has to say
// how it is signed.
func factsV2File(c *catalog.Catalog) string {
	var p printer
	p.printf("%sv2; DO NOT EDIT.\n\npackage facts\n\nvar operationsV2 = [...]V2{\n", header)
	for _, op := range c.Operations() {
		fields, inQuery := op.Request.Query, ""
		if op.Request.Body != nil {
			fields = op.Request.Body.Fields
			for _, f := range op.Request.Query {
				inQuery = f.Name
			}
		}
		has := func(name string) bool {
			return slices.ContainsFunc(fields, func(f catalog.Field) bool { return f.Name == name })
		}
		s := op.Security
		p.printf("\t{path: %q, Host: %q, Answer: %q", op.Path, op.Host, op.Response.Body.Kind)
		p.list("SignTypes", s.SignTypes)
		p.list("SignOver", s.SignOver)
		if inQuery != "" {
			p.printf(", InQuery: %q", inQuery)
		}
		p.flag("SaysType", has("sign_type"))
		p.flag("Nonce", len(s.SignTypes) > 0 && !s.NoNonce && s.SignOver == nil)
		p.flag("Certificate", s.ClientCertificate)
		p.flag("Unsigned", s.ResponseUnsigned)
		if i := slices.IndexFunc(callers, has); i >= 0 || len(fields) == 0 { // of some nothing is documented
			p.printf(", Caller: %q", callers[max(i, 0)])
		}
		p.printf("},\n")
	}
	p.printf("}\n")
	return p.String()
}

func (p *printer) list(name string, values []string) {
	if len(values) > 0 {
		p.printf(", %s: []string{%s}", name, strings.Join(quoted(values), ", "))
	}
}

func (p *printer) flag(name string, set bool) {
	if set {
		p.printf(", %s: true", name)
	}
}

func quoted(values []string) (all []string) {
	for _, v := range values {
		all = append(all, fmt.Sprintf("%q", v))
	}
	return all
}
