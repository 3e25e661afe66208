// Command bench measures what Sigra adds to Caddy: the same requests through
// Caddy with a bare reverse_proxy and through Caddy with Sigra, interleaved in
// one run, so that a noisy machine disturbs all alike.
//
//	go run ./tests/bench [-rounds 11] [-seconds 3] [-caddy build/caddy]
//	go run ./tests/bench -sessions
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"time"
)

func main() {
	if len(os.Args) > 1 && runRole(os.Args[1:]) {
		return // one of the processes that the bench starts of itself
	}
	rounds := flag.Int("rounds", 11, "interleaved rounds")
	seconds := flag.Float64("seconds", 3, "length of a sample")
	caddy := flag.String("caddy", "build/caddy", "the program to measure")
	sessions := flag.Bool("sessions", false, "measure the curve from 10 to 1,000,000 live sessions instead")
	flag.Parse()
	log.SetFlags(0)
	bench, err := newBench(*caddy)
	if err != nil {
		log.Fatal(err)
	}
	defer bench.close()
	if *sessions {
		err = bench.curve(time.Duration(*seconds * float64(time.Second)))
	} else {
		err = bench.compare(*rounds, time.Duration(*seconds*float64(time.Second)))
	}
	if err != nil {
		bench.close()
		log.Fatal(err)
	}
}

// machine describes where the figures were taken.
func machine() string {
	return fmt.Sprintf("%d processors, %s, %s/%s, 32 connections, plain HTTP over loopback, load, app, Caddy and Redis on the same machine",
		runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
