// Command count runs `go test` on the given packages, shows what failed, and
// ends with how many tests passed. A skipped test is a failure: nothing that
// the tests need may be missing without a word.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// event is a line of `go test -json` (go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
}

func main() {
	command := exec.Command("go", append([]string{"test", "-json", "-count=1", "-timeout=20m"}, os.Args[1:]...)...)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := command.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	t := tally{output: make(map[string]*strings.Builder)}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			t.add(e)
		}
	}
	failed := command.Wait() != nil
	fmt.Printf("%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	if failed || t.failed > 0 || t.skipped > 0 || t.passed == 0 {
		os.Exit(1)
	}
}

// tally counts tests and keeps their output until it is known to be needed.
type tally struct {
	passed, failed, skipped int
	output                  map[string]*strings.Builder
}

func (t *tally) add(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		if t.output[key] == nil {
			t.output[key] = new(strings.Builder)
		}
		t.output[key].WriteString(e.Output)
	case "pass", "fail", "skip":
		t.end(e, key)
	case "build-fail":
		t.failed++
		t.show(key)
	}
}

func (t *tally) end(e event, key string) {
	noTests := e.Test == "" && e.Action == "skip" // a package without tests
	switch {
	case e.Test == "" && !noTests:
		fmt.Printf("%-4s %s (%.1fs)\n", e.Action, e.Package, e.Elapsed)
	case e.Test == "":
	case e.Action == "pass":
		t.passed++
	case e.Action == "skip":
		t.skipped++
	default:
		t.failed++
	}
	if e.Action == "fail" || e.Action == "skip" && !noTests {
		t.show(key)
	}
	delete(t.output, key)
}

func (t *tally) show(key string) {
	if text := t.output[key]; text != nil {
		fmt.Print(text.String())
	}
}
