package bill

import (
	"bytes"
	"fmt"
	"io"
)

// The headings of today's bills.
const (
	allColumns = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额," +
		"微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
	allTotals = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"

	paidRow   = "`2024-11-24 00:00:%02d,`wx2421b1c4370ec43b,`1900000109,`0,`pos-7,`4200002500202411240%09d,`order-%09d,`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,`JSAPI,`SUCCESS,`OTHERS,`CNY,`12.30,`0.00,`0,`0,`0.00,`0.00,`,`,`咖啡，大杯\\ 加糖,`,`0.07380,`0.60%%,`12.30,`0.00,`\r\n"
	refundRow = "`2024-11-24 09:30:%02d,`wx2421b1c4370ec43b,`1900000109,`0,`pos-7,`4200002500202411240%09d,`order-%09d,`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`50000709672024112401908420787,`refund-1,`4.56,`0.00,`ORIGINAL,`SUCCESS,`咖啡，大杯\\ 加糖,`,`-0.02736,`0.60%%,`0.00,`4.56,`\r\n"
)

// generated is a trade bill of at least size bytes, made while it is read. Each tenth row is a refund.
type generated struct {
	size, n       int64
	rows, refunds int64
	summed        bool
	piece         bytes.Buffer
}

func (g *generated) Read(p []byte) (int, error) {
	for g.piece.Len() < len(p) && !g.summed {
		before := g.piece.Len()
		switch {
		case g.n == 0:
			g.piece.WriteString("\ufeff" + allColumns + "\r\n")
		case g.n >= g.size:
			g.summed = true
			paid := g.rows - g.refunds
			fmt.Fprintf(&g.piece, "%s\r\n`%d.0,`%s,`%s,`0.00,`%v,`%s,`%s\r\n", allTotals, g.rows,
				yuan(paid*1230), yuan(g.refunds*456), Amount(paid*7380-g.refunds*2736), yuan(paid*1230), yuan(g.refunds*456))
		default:
			row := paidRow
			if g.rows%10 == 9 {
				row = refundRow
				g.refunds++
			}
			fmt.Fprintf(&g.piece, row, g.rows%60, g.rows, g.rows)
			g.rows++
		}
		g.n += int64(g.piece.Len() - before)
	}
	if g.piece.Len() == 0 {
		return 0, io.EOF
	}
	return g.piece.Read(p)
}

func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

// generate is a generated bill of at least size bytes.
func generate(size int64) []byte {
	content, err := io.ReadAll(&generated{size: size})
	if err != nil {
		panic(err)
	}
	return content
}
