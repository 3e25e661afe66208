package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// job is what the load generator is told.
type job struct {
	Address string
	// Requests are prebuilt requests; each connection cycles through all of
	// them, from a place of its own.
	Requests    [][]byte
	Status      int
	Connections int
	Duration    time.Duration
}

// result is what it measured.
type result struct {
	Requests int
	P50, P99 time.Duration
	Elapsed  time.Duration
}

// run sends requests on keep-alive connections until the time is over. It is
// raw TCP with as little parsing as will do, to leave the machine to what is
// measured.
func (j job) run() (result, error) {
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var running sync.WaitGroup
	start := time.Now()
	for i := range j.Connections {
		running.Go(func() {
			took, err := j.connection(i, start.Add(j.Duration))
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if err != nil {
				failed = err
			}
		})
	}
	running.Wait()
	elapsed := time.Since(start)
	if failed != nil {
		return result{}, failed
	}
	slices.Sort(all)
	return result{len(all), all[len(all)/2], all[len(all)*99/100], elapsed}, nil
}

func (j job) connection(i int, until time.Time) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", j.Address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	reader := bufio.NewReaderSize(conn, 8<<10)
	status := []byte("HTTP/1.1 " + strconv.Itoa(j.Status))
	took := make([]time.Duration, 0, 1<<16)
	for n := i * len(j.Requests) / j.Connections; ; n++ {
		sent := time.Now()
		if sent.After(until) {
			return took, nil
		}
		if _, err := conn.Write(j.Requests[n%len(j.Requests)]); err != nil {
			return nil, err
		}
		if err := readResponse(reader, status); err != nil {
			return nil, err
		}
		took = append(took, time.Since(sent))
	}
}

var contentLength = []byte("Content-Length: ")

// readResponse reads a response that has a Content-Length.
func readResponse(r *bufio.Reader, status []byte) error {
	length := 0
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		switch {
		case first && !bytes.HasPrefix(line, status):
			return fmt.Errorf("answer %q, want %q", bytes.TrimSpace(line), status)
		case bytes.HasPrefix(line, contentLength):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):]))); err != nil {
				return err
			}
		case len(line) == 2:
			_, err := r.Discard(length)
			return err
		}
	}
}
