package servers

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// childAttributes make a server die with the test process, however that ends,
// and run as another user where needed.
func childAttributes(o *owner) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: o.credential()}
}

// children returns the processes that a process has started.
func children(pid int) (pids []int) {
	list, _ := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", pid))
	for field := range strings.FieldsSeq(string(list)) {
		if child, err := strconv.Atoi(field); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}
