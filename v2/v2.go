// Package v2 is the index of APIv2: every product in one chain, and every endpoint in one map. It
// compiles all products; a program that uses one of them imports that package alone, such as v2/pay.
//
//	v2.New(client).Pay().Unifiedorder().Post(ctx, pay.PostUnifiedorderRequest{…})
//	v2.Endpoints(client)["v2/pay/unifiedorder"].Post(ctx, wechatpay.XML(map[string]string{…}))
//
// The /v2 is not sent: it only tells the versions apart. A [wechatpay.Merchant] needs its APIv2Key and, for
// what moves money back, its Certificate.
//
// The sandbox (仿真测试系统) has a key of its own, which Xdc().Apiv2getsignkey() asks for: make a Client with
// it by [wechatpay.Client.For].
package v2

import "github.com/openwechatpay/wechatpay"

// Root is what all paths of APIv2 begin with, which is nothing.
type Root struct {
	c *wechatpay.Client
}

// New returns the root of the chain, whose steps are the segments of the path.
func New(client *wechatpay.Client) Root { return Root{c: client} }

// Endpoints returns every endpoint of APIv2, by its path with v2/ in front. The map is the caller's.
func Endpoints(client *wechatpay.Client) map[string]wechatpay.Endpoint {
	endpoints := make(map[string]wechatpay.Endpoint, len(paths))
	for _, path := range paths {
		endpoints[path] = client.Chain(path)
	}
	return endpoints
}
