package bill

import "strings"

// Unescape undoes what a trade bill does to columns that the merchant wrote: Description (商品名称),
// Attach (商户数据包) and DeviceInfo (设备号). Rows have them as the bill does, since it cannot be
// undone whole: a backslash with a blank stood for a comma or for the private character U+E000, and
// becomes a comma. What is no escape stays as it is. Fund-flow bills write line breaks as \n and \r
// but leave a backslash alone, so that nobody can tell what was a line break: they are not for
// Unescape.
// See https://pay.weixin.qq.com/doc/v3/merchant/4013071246.
func Unescape(column string) string {
	if !strings.Contains(column, `\`) {
		return column
	}
	var b strings.Builder
	b.Grow(len(column))
	for {
		before, after, found := strings.Cut(column, `\`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		meant, n := escaped(after)
		b.WriteString(meant)
		column = after[n:]
	}
}

// escaped is what the escape means that begins with a backslash and goes on with rest, of which it
// takes n bytes.
func escaped(rest string) (meant string, n int) {
	if strings.HasPrefix(rest, "140") { // of rows of refunds
		return "`", 3
	}
	if rest == "" {
		return `\`, 0
	}
	switch rest[0] {
	case '\\', '\'', '"', '`', '\x1a':
		return rest[:1], 1
	case ' ':
		return ",", 1
	case 'n':
		return "\n", 1
	case 'r':
		return "\r", 1
	case 't':
		return "\t", 1
	}
	return `\`, 0
}
