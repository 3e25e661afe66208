//go:build unix && !linux

package servers

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

func childAttributes(o *owner) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: o.credential()}
}

func children(pid int) (pids []int) {
	list, _ := exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output()
	for field := range strings.FieldsSeq(string(list)) {
		if child, err := strconv.Atoi(field); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}
