package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// bench is everything that runs during a measurement.
type bench struct {
	ctx        context.Context
	caddy, dir string
	client     client
	app        *child
	appAddr    string
	redis      *child
	redisAddr  string
	children   []*child
	started    int // children in all
	gateways   []*gateway
	out        io.Writer
}

// child is a process that the bench started.
type child struct{ *exec.Cmd }

// newBench starts what all gateways share: the app and Redis.
func newBench(ctx context.Context, caddy string, c client) (*bench, error) {
	dir, err := os.MkdirTemp("", "sigra-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{ctx: ctx, caddy: caddy, client: c, dir: dir}
	if err := b.startShared(); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) startShared() (err error) {
	if b.appAddr, err = freeAddress(); err != nil {
		return err
	}
	if b.redisAddr, err = freeAddress(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if b.app, err = b.start(self, roleApp, b.appAddr); err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(b.redisAddr)
	b.redis, err = b.start("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", b.dir)
	if err != nil {
		return fmt.Errorf("starting Redis (make deps installs it): %w", err)
	}
	if err := b.await(b.appAddr); err != nil {
		return err
	}
	return b.await(b.redisAddr)
}

// freeAddress returns a loopback address that nothing listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// await waits until something listens.
func (b *bench) await(address string) error {
	var dialer net.Dialer
	deadline := time.Now().Add(10 * time.Second)
	for {
		conn, err := dialer.DialContext(b.ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		if b.ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// start starts a process with a data directory of its own; it ends with the
// bench.
func (b *bench) start(name string, args ...string) (*child, error) {
	c := &child{exec.CommandContext(b.ctx, name, args...)}
	b.started++
	c.Env = append(os.Environ(), "XDG_DATA_HOME="+filepath.Join(b.dir, strconv.Itoa(b.started)), "XDG_CONFIG_HOME="+b.dir)
	if err := c.Start(); err != nil {
		return nil, err
	}
	b.children = append(b.children, c)
	return c, nil
}

// stopGateways ends all gateways, and nothing else.
func (b *bench) stopGateways() {
	for _, g := range b.gateways {
		g.child.stop()
		b.children = slices.DeleteFunc(b.children, func(c *child) bool { return c == g.child })
	}
	b.gateways = nil
}

func (c *child) stop() {
	_ = c.Process.Kill()
	_ = c.Wait()
}

func (b *bench) close() {
	for _, c := range b.children {
		c.stop()
	}
	_ = os.RemoveAll(b.dir)
}

// load runs a job in a process of its own.
func (b *bench) load(j job) (result, error) {
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	input, err := json.Marshal(j)
	if err != nil {
		return result{}, err
	}
	command := exec.CommandContext(b.ctx, self, roleLoad)
	command.Stdin, command.Stderr = bytes.NewReader(input), os.Stderr
	output, err := command.Output()
	if err != nil {
		return result{}, fmt.Errorf("load generator: %w", err)
	}
	var r result
	return r, json.Unmarshal(output, &r)
}

// count returns and resets what the app has counted.
func (b *bench) count() (s seen, err error) {
	answer, err := http.Get("http://" + b.appAddr + "/count")
	if err != nil {
		return s, err
	}
	defer answer.Body.Close()
	return s, json.NewDecoder(answer.Body).Decode(&s)
}
