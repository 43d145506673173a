package front

import (
	"iter"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/sim/internal/mapping"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// Call is a call that the front let through.
type Call struct {
	Op       *catalog.Operation
	Merchant *world.Merchant // who signed it; without a number if nobody had to
	Upload   *mapping.Upload // with its file, nil if the operation takes none
	Origin   string          // where the gateway was called, such as http://127.0.0.1:8080
	V2       *V2             // of APIv2, else nil
	*mapping.Values
}

// Texts are the strings of path, query and body by name, in the order of the catalog; of the body
// those at its top.
func (c *Call) Texts() iter.Seq2[string, string] {
	return func(yield func(name, text string) bool) {
		for _, f := range c.Op.Request.Path {
			if !yield(f.Name, c.Path(f.Name)) {
				return
			}
		}
		for _, f := range c.Op.Request.Query {
			if !yield(f.Name, c.Query(f.Name)) {
				return
			}
		}
		if c.Op.Request.Body == nil {
			return
		}
		for _, f := range c.Op.Request.Body.Fields {
			if text, ok := c.Body()[f.Name].(string); ok && !yield(f.Name, text) {
				return
			}
		}
	}
}

// names tells whether the call is about what has this number of the merchant.
func (c *Call) names(number string) bool {
	for name, text := range c.Texts() {
		if strings.HasPrefix(name, "out_") && text == number {
			return true
		}
	}
	return false
}
