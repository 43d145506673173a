package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
)

// serveArgument makes this program the server.
const serveArgument = "serve"

// answer is what the server sends. It is signed beforehand, and good for five minutes.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// serve answers on a loopback address, which it writes to out, until in ends: with the parent, that is.
func serve(in io.Reader, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var opened atomic.Int64
	var answers atomic.Pointer[map[string]answer]
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /answers", func(w http.ResponseWriter, r *http.Request) {
		var next map[string]answer
		if err := json.NewDecoder(r.Body).Decode(&next); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answers.Store(&next)
	})
	mux.HandleFunc("GET /connections", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, opened.Load()) })
	mux.HandleFunc("/v3/", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		a := (*answers.Load())[r.Method+" "+r.URL.Path]
		if a.Status == 0 {
			http.NotFound(w, r)
			return
		}
		maps.Copy(w.Header(), a.Header)
		w.WriteHeader(a.Status)
		w.Write(a.Body)
	})
	server := &http.Server{Handler: mux, ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	fmt.Fprintln(out, "http://"+listener.Addr().String())
	io.Copy(io.Discard, in)
	server.Close()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// server is the other process.
type server struct {
	address string
	cmd     *exec.Cmd
	stdin   io.Closer
}

func startServer() (*server, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, serveArgument)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		s.close()
		return nil, fmt.Errorf("the server did not tell its address: %w", err)
	}
	s.address = strings.TrimSpace(line)
	return s, nil
}

func (s *server) close() {
	s.stdin.Close()
	_ = s.cmd.Wait()
}

// answerWith has the server answer with these from now on, by method and path.
func (s *server) answerWith(answers map[string]answer) error {
	text, err := json.Marshal(answers)
	if err != nil {
		return err
	}
	_, err = s.ask(http.MethodPut, "/answers", text)
	return err
}

// connections is how many were opened so far, without the one that asks.
func (s *server) connections() (int, error) {
	text, err := s.ask(http.MethodGet, "/connections", nil)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(text))
}

func (s *server) ask(method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, s.address+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", method, path, res.Status)
	}
	return text, err
}
