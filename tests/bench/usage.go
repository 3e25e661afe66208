package main

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// clockTicks is USER_HZ, which is 100 on every Linux that Go runs on.
const clockTicks = 100

func ticks(n int64) time.Duration { return time.Duration(n) * (time.Second / clockTicks) }

// cpuOf returns the processor time that a process has used. Not on Linux it is
// zero, and the columns stay empty.
func cpuOf(pid any) time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%v/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+2:]))
	var user, system int64
	_, _ = fmt.Sscan(fields[11]+" "+fields[12], &user, &system)
	return ticks(user + system)
}

func cpuOfSelf() time.Duration { return cpuOf("self") }

// cpuOfMachine returns the processor time that all processes have used.
func cpuOfMachine() time.Duration {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	var user, nice, system, idle, wait, irq, softIRQ int64
	_, _ = fmt.Sscan(strings.TrimPrefix(string(raw), "cpu"), &user, &nice, &system, &idle, &wait, &irq, &softIRQ)
	return ticks(user + nice + system + irq + softIRQ)
}

// memoryOf returns the resident memory of a process in MiB.
func memoryOf(c *child) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	var kilobytes float64
	_, _ = fmt.Sscan(rest, &kilobytes)
	return kilobytes / 1024
}

// machine describes where the figures were taken, and of what.
func (b *bench) machine() string {
	caddy, compiler := "unknown", runtime.Version()
	if info, err := buildinfo.ReadFile(b.caddy); err == nil {
		compiler = info.GoVersion
		for _, dependency := range info.Deps {
			if dependency.Path == "github.com/caddyserver/caddy/v2" {
				caddy = dependency.Version
			}
		}
	}
	return fmt.Sprintf("%d processors, %s/%s, %s, Caddy %s; plain HTTP over loopback, %d connections; load generator, app, Caddy and Redis share the machine.",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, compiler, caddy, connections)
}
