package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// asCommand in the environment makes the test binary be wxpay, in a process of its own.
const asCommand = "WXPAY_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// wxpay runs the command in this process.
func wxpay(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = program{stdout: &out, stderr: &err}.run(ctx, args)
	return status, out.String(), err.String()
}

func TestWrongUseExitsWith2(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tests := []struct {
		name, args, want string
	}{
		{"an unknown command", "dmeo", `unknown command "dmeo"`},
		{"an argument too many for demo", "demo twice", `unknown command "twice"`},
		{"an argument too many for sim", "sim here", `unknown command "here"`},
		{"an argument too many for version", "version 1", `unknown command "1"`},
		{"an unknown flag", "demo --yaml", "unknown flag: --yaml"},
		{"a listen address without a port", "sim --listen 127.0.0.1", "missing port"},
		{"a manage address without a port", "sim --manage 127.0.0.1", "missing port"},
		{"a token with a space of no width", "sim --manage-token=\u200b", "no spaces"},
		{"a token that is no ASCII", "sim --manage-token 口令", "printable ASCII"},
		{"a callback host with a port", "sim --allow-callbacks shop:80", "without scheme and port"},
		{"a callback host as a URL", "sim --allow-callbacks http://shop", "without scheme and port"},
		{"an empty callback host", "sim --allow-callbacks=", "without scheme and port"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ended, cancel := context.WithCancel(t.Context())
			cancel() // so that what should not begin ends at once
			args := strings.Fields(tt.args)
			if args[0] == "sim" {
				args = append(args, "--dir", dir)
			}
			status, stdout, stderr := wxpay(ended, args...)
			if status != 2 || stdout != "" {
				t.Errorf("exit status %d and output %q, want 2 and none", status, stdout)
			}
			if !strings.HasPrefix(stderr, "wxpay: ") || !strings.Contains(stderr, tt.want) || !strings.Contains(stderr, "--help") {
				t.Errorf("it says %q, want %q and where to look", stderr, tt.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--help"}, {"help"}} {
		status, stdout, stderr := wxpay(t.Context(), args...)
		if status != 0 || stderr != "" || !strings.Contains(stdout, "demo") || !strings.Contains(stdout, "completion") {
			t.Errorf("wxpay %q: exit status %d, %q", args, status, stdout+stderr)
		}
	}
	p := program{stdout: io.Discard, stderr: io.Discard}
	for _, cmd := range []*cobra.Command{p.demoCommand(), p.simCommand(), p.versionCommand()} {
		_, help, _ := wxpay(t.Context(), cmd.Name(), "--help")
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || !strings.Contains(help, "--"+f.Name) {
				t.Errorf("wxpay %s --help does not tell about --%s", cmd.Name(), f.Name)
			}
		})
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := wxpay(t.Context(), "__complete", "sim", "--ma")
	if status != 0 || !strings.Contains(stdout, "--manage") {
		t.Errorf("exit status %d, %q", status, stdout+stderr)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := wxpay(t.Context(), "version")
	if status != 0 || stderr != "" || !regexp.MustCompile(`^wxpay \S+ go1\.\S+ [a-z0-9]+/[a-z0-9]+\nwxpay sim signs with .+\n$`).MatchString(stdout) {
		t.Errorf("exit status %d, %q", status, stdout+stderr)
	}
	commit := func(modified string) *debug.BuildInfo {
		return &debug.BuildInfo{
			Main:     debug.Module{Version: "(devel)"},
			Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "978ac680a1b2"}, {Key: "vcs.modified", Value: modified}},
		}
	}
	tests := []struct {
		name string
		info *debug.BuildInfo
		want string
	}{
		{"installed", &debug.BuildInfo{Main: debug.Module{Version: "v0.3.1"}}, "v0.3.1"},
		{"built from a commit", commit("false"), "978ac680a1b2"},
		{"built from changed files", commit("true"), "978ac680a1b2+dirty"},
		{"built from nobody knows what", new(debug.BuildInfo), "(devel)"},
	}
	for _, tt := range tests {
		if got := version(tt.info); got != tt.want {
			t.Errorf("%s: version is %q, want %q", tt.name, got, tt.want)
		}
	}
}
