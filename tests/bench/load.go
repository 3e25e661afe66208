package main

import (
	"bufio"
	"bytes"
	"errors"
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
	// Duration is how long to send; zero sends each request once.
	Duration time.Duration
}

// result is what it measured.
type result struct {
	Requests int
	P50, P99 time.Duration
	Elapsed  time.Duration
	// CPU is what the load generator used itself.
	CPU time.Duration
}

// perSecond is the rate of requests.
func (r result) perSecond() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// responseTimeout is when an answer counts as missing.
const responseTimeout = 10 * time.Second

// run sends requests on keep-alive connections until the time is over. It is
// raw TCP with as little parsing as will do, to leave the machine to what is
// measured. Any unexpected answer and any socket error fails the job.
func (j job) run() (result, error) {
	took := make([][]time.Duration, j.Connections)
	failed := make([]error, j.Connections)
	var running sync.WaitGroup
	start := time.Now()
	for i := range j.Connections {
		running.Go(func() { took[i], failed[i] = j.connection(i, start) })
	}
	running.Wait()
	elapsed := time.Since(start)
	if err := errors.Join(failed...); err != nil {
		return result{}, err
	}
	all := slices.Concat(took...)
	if len(all) == 0 {
		return result{}, errors.New("no request was answered")
	}
	slices.Sort(all)
	return result{len(all), all[len(all)/2], all[len(all)*99/100], elapsed, cpuOfSelf()}, nil
}

func (j job) connection(i int, start time.Time) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", j.Address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	limit := responseTimeout + j.Duration
	if j.Duration == 0 {
		limit = time.Hour
	}
	if err := conn.SetDeadline(start.Add(limit)); err != nil {
		return nil, err
	}
	reader := bufio.NewReaderSize(conn, 8<<10)
	status := []byte("HTTP/1.1 " + strconv.Itoa(j.Status))
	took := make([]time.Duration, 0, 1<<16)
	first, last := i*len(j.Requests)/j.Connections, (i+1)*len(j.Requests)/j.Connections
	for n := first; j.Duration > 0 || n < last; n++ {
		sent := time.Now()
		if j.Duration > 0 && sent.Sub(start) > j.Duration {
			break
		}
		if _, err := conn.Write(j.Requests[n%len(j.Requests)]); err != nil {
			return nil, err
		}
		if err := readResponse(reader, status); err != nil {
			return nil, err
		}
		took = append(took, time.Since(sent))
	}
	return took, nil
}

var contentLength = []byte("Content-Length: ")

// readResponse reads a response that has a Content-Length.
func readResponse(r *bufio.Reader, status []byte) error {
	length := -1
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
			if length < 0 {
				return errors.New("answer without Content-Length")
			}
			_, err := r.Discard(length)
			return err
		}
	}
}
