package main

import (
	"bytes"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"
)

// The app and the load generator run in processes of their own, which are this
// program with a role.
const (
	roleApp  = "role-app"
	roleLoad = "role-load"
)

// runRole runs a role and reports whether there was one.
func runRole(args []string) bool {
	if args[0] != roleApp && args[0] != roleLoad {
		return false
	}
	// The collector of heaps this small would run a hundred times a second and
	// take turns with the proxy, which is what is measured.
	debug.SetGCPercent(1000)
	if args[0] == roleApp {
		serveApp(args[1])
		return true
	}
	var job job
	if err := json.NewDecoder(os.Stdin).Decode(&job); err != nil {
		log.Fatal(err)
	}
	result, err := job.run()
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		log.Fatal(err)
	}
	return true
}

// bodySize is what the app answers, in bytes.
const bodySize = 1024

// seen is what the app has counted.
type seen struct {
	// Requests are all requests.
	Requests int64
	// Identified carried both the assertion and the user.
	Identified int64
	// Partial carried only one of them.
	Partial int64
}

// serveApp is the app: it counts requests, and those with an identity.
func serveApp(address string) {
	var total, identified, partial atomic.Int64
	body := bytes.Repeat([]byte("x"), bodySize)
	http.HandleFunc("/count", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(seen{total.Swap(0), identified.Swap(0), partial.Swap(0)})
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		total.Add(1)
		asserted, named := r.Header["Sigra-Assertion"] != nil, r.Header["Remote-User"] != nil
		switch {
		case asserted && named:
			identified.Add(1)
		case asserted || named:
			partial.Add(1)
		}
		w.Header().Set("Content-Length", strconv.Itoa(bodySize))
		_, _ = w.Write(body)
	})
	server := &http.Server{Addr: address, ReadHeaderTimeout: time.Minute}
	log.Fatal(server.ListenAndServe())
}
