package trade

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/clock"
)

// This file is numbers that the gateway makes, in the form that was observed.

func newTransactionID(now time.Time) string {
	return "4200" + digits(6) + now.In(clock.Beijing).Format("20060102") + digits(10)
}

func newRefundID(now time.Time) string {
	return "50" + digits(8) + now.In(clock.Beijing).Format("20060102") + digits(11)
}

func newPrepayID(now time.Time) string {
	var raw [10]byte
	rand.Read(raw[:])
	return "wx" + now.In(clock.Beijing).Format("02150405") + digits(3) + hex.EncodeToString(raw[:])[:19] + "0000"
}

// digits is n random digits.
func digits(n int) string {
	x, err := rand.Int(rand.Reader, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return fmt.Sprintf("%0*d", n, x)
}
