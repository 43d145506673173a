package main

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"time"

	"github.com/openwechatpay/wechatpay/openssl"
)

var modelName = regexp.MustCompile(`(?m)^model name\s*:\s*(.+)$`)

// machine is what the figures hold for.
func machine(b *bench) string {
	cpu := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil { // which Linux has
		if found := modelName.FindSubmatch(text); found != nil {
			cpu = string(found[1])
		}
	}
	library, _ := openssl.Version()
	if b.openssl == nil {
		library = fmt.Sprintf("no OpenSSL: %v", b.noOpenSSL)
	}
	return fmt.Sprintf("%s, %s, %d cores, %s/%s, %s, %s", time.Now().Format(time.DateOnly), cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), library)
}
