// Command bench measures what Sigra adds to Caddy: the same requests through
// Caddy with a bare reverse_proxy and through Caddy with Sigra, interleaved in
// one run, so that a noisy machine disturbs all alike.
//
//	go run ./tests/bench [-rounds 11] [-seconds 3] [-caddy build/caddy] [-client browser] [-out results.md] [-profile dir]
//	go run ./tests/bench -sessions
//	go run ./tests/bench -timing
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"os"
	"os/signal"
	"time"
)

// options are the flags.
type options struct {
	caddy    string
	rounds   int
	length   time.Duration // of a sample
	sessions bool
	timing   bool
	out      string
	profiles string
	client   client
}

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 && runRole(os.Args[1:]) {
		return // one of the processes that the bench starts of itself
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 11, "interleaved rounds")
	seconds := flag.Float64("seconds", 3, "length of a sample")
	flag.StringVar(&o.caddy, "caddy", "build/caddy", "the program to measure")
	flag.BoolVar(&o.sessions, "sessions", false, "measure the curve from 10 to 1,000,000 live sessions instead")
	flag.BoolVar(&o.timing, "timing", false, "compare the answers to known and unknown addresses instead")
	flag.StringVar(&o.out, "out", "", "also write the tables to this file")
	flag.StringVar(&o.profiles, "profile", "", "write a CPU profile of each gateway into this directory")
	flag.StringVar((*string)(&o.client), "client", string(browser), "headers of a request: browser or minimal")
	flag.Parse()
	o.length = time.Duration(*seconds * float64(time.Second))
	if o.rounds < 1 || o.length <= 0 {
		log.Fatal("-rounds and -seconds must be positive")
	}
	if o.client != browser && o.client != minimal {
		log.Fatalf("-client is %s or %s, not %q", browser, minimal, o.client)
	}
	if err := run(o); err != nil {
		log.Fatal(err)
	}
}

func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b, err := newBench(ctx, o.caddy, o.client)
	if err != nil {
		return err
	}
	defer b.close()
	b.out = os.Stdout
	if o.out != "" {
		file, err := os.Create(o.out)
		if err != nil {
			return err
		}
		defer file.Close()
		b.out = io.MultiWriter(os.Stdout, file)
	}
	if o.sessions {
		return b.curves(o.length)
	}
	if o.timing {
		return b.timing()
	}
	if err := b.compare(o.rounds, o.length); err != nil {
		return err
	}
	if o.profiles != "" {
		return b.profile(o.profiles, o.length)
	}
	return nil
}
