package servers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const sharedPrefix = "sigra-test-"

// sharedDirectory makes a directory for a server that all tests of a process
// share, which therefore nobody removes at the end of one test. Those left
// behind by processes that are gone are removed here instead.
func sharedDirectory(kind string) (string, error) {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), sharedPrefix+"*"))
	for _, dir := range left {
		_, pid, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), sharedPrefix), "-")
		if id, err := strconv.Atoi(pid); err == nil && errors.Is(syscall.Kill(id, 0), syscall.ESRCH) {
			os.RemoveAll(dir)
		}
	}
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("%s%s-%d", sharedPrefix, kind, os.Getpid()))
	return dir, os.MkdirAll(dir, 0o755)
}
