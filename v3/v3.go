// Package v3 is the index of APIv3: every product in one chain, and every endpoint in
// one map. It compiles all products; a program that uses one of them imports that
// package alone, such as v3/payscore.
//
//	v3.New(client).Payscore().Partner().Serviceorder().OutOrderNo(no).Cancel().Post(ctx, …)
//	v3.Endpoints(client)["v3/payscore/partner/serviceorder/{out_order_no}/cancel"].Post(ctx, …)
package v3

import "github.com/openwechatpay/wechatpay"

// Root is /v3, and what the documents have beside it: /hk, /global, /invoicing and /brand.
type Root struct {
	c *wechatpay.Client
}

// New returns the root of the chain, whose steps are the segments of the path but a leading /v3.
func New(client *wechatpay.Client) Root { return Root{c: client} }

// Endpoints returns every endpoint of APIv3, by its path as the documents print it, without
// the slash in front. The map is the caller's.
func Endpoints(client *wechatpay.Client) map[string]wechatpay.Endpoint {
	endpoints := make(map[string]wechatpay.Endpoint, len(paths))
	for _, path := range paths {
		endpoints[path] = client.Chain(path)
	}
	return endpoints
}
