package servers

import (
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// Slow stands before a server and delays what it answers.
type Slow struct {
	// DSN is the connection URL of a database behind it.
	DSN   string
	delay atomic.Int64
}

// SlowPostgres stands before a database.
func SlowPostgres(t testing.TB, dsn string) *Slow {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	server := u.Host
	u.Host = l.Addr().String()
	s := &Slow{DSN: u.String()}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(client, server)
		}
	}()
	return s
}

// By sets the delay of each answer from now on.
func (s *Slow) By(d time.Duration) { s.delay.Store(int64(d)) }

func (s *Slow) serve(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		io.Copy(server, client)
		server.Close()
	}()
	answer := make([]byte, 64<<10)
	for {
		n, err := server.Read(answer)
		if err != nil {
			return
		}
		time.Sleep(time.Duration(s.delay.Load()))
		if _, err := client.Write(answer[:n]); err != nil {
			return
		}
	}
}
