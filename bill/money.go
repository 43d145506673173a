package bill

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Amount is money to five decimals of a yuan, or of another currency's unit, which fees are written
// with: a hundred thousand to the yuan, a thousand to the fen. Sums of it are exact.
type Amount int64

const (
	perFen  = 1000
	perYuan = 100 * perFen
)

// Fen is a in fen (分), and whether that is all of it: 0.00600 yuan is 0 fen and a rest.
func (a Amount) Fen() (fen int64, exact bool) { return int64(a / perFen), a%perFen == 0 }

// String is a in yuan, with two decimals and up to three more where they are not zero.
func (a Amount) String() string {
	sign, n := "", uint64(a)
	if a < 0 {
		sign, n = "-", -n
	}
	digits := strconv.FormatUint(perYuan+n%perYuan, 10)[1:]
	return sign + strconv.FormatUint(n/perYuan, 10) + "." + digits[:2] + strings.TrimRight(digits[2:], "0")
}

// ParseAmount reads yuan with at most five decimals that are not zero, such as -0.06000 or 45.0. It
// takes neither exponents, nor thousands separators, nor what does not fit.
func ParseAmount(text string) (Amount, error) {
	n, ok := decimal(text, 5)
	if !ok {
		return 0, errors.New("not an amount with at most 5 decimals, such as 0.06000")
	}
	return Amount(n), nil
}

// ParseFen reads yuan with at most two decimals that are not zero, and returns fen (分): 12.30 is 1230.
func ParseFen(text string) (int64, error) {
	n, ok := decimal(text, 2)
	if !ok {
		return 0, errors.New("not an amount with at most 2 decimals, such as 12.30")
	}
	return n, nil
}

// decimal is the decimal number of text, times ten to the power of places.
func decimal(text string, places int) (n int64, ok bool) {
	if text == "0.00" { // as half of a bill's amounts are
		return 0, true
	}
	digits, negative := strings.CutPrefix(text, "-")
	dot := -1
	for i := range len(digits) {
		c := digits[i]
		switch {
		case c == '.' && dot < 0 && i > 0:
			dot = i
			continue
		case c < '0' || c > '9':
			return 0, false
		case dot >= 0 && i-dot > places: // nothing may be lost
			if c != '0' {
				return 0, false
			}
			continue
		}
		if n > math.MaxInt64/10 {
			return 0, false
		}
		if n = n*10 + int64(c-'0'); n < 0 {
			return 0, false
		}
	}
	written := 0
	if dot >= 0 {
		written = len(digits) - dot - 1
		if written == 0 {
			return 0, false
		}
	}
	for ; written < places; written++ {
		if n > math.MaxInt64/10 {
			return 0, false
		}
		n *= 10
	}
	if negative {
		n = -n
	}
	return n, digits != ""
}

// plus is a + b, unless that does not fit.
func (a Amount) plus(b Amount) (Amount, bool) {
	sum := a + b
	return sum, (sum > a) == (b > 0)
}
