package sqlstore_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/storage/sqlstore"
)

// killedEnv makes the test binary a process that creates an account and kills
// itself.
const killedEnv = "SIGRA_TEST_KILLED"

func runKilled(path string) ([]byte, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killedEnv+"="+path)
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGKILL {
		return out, nil
	}
	return out, fmt.Errorf("the process was not killed: %w", err)
}

func createAndDie(path string) error {
	ctx := context.Background()
	db, err := sqlstore.OpenSQLite(path, sqlstore.Options{})
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	if err := db.Create(ctx, someUser("ada"), "hash", someEvent(audit.UserCreate)); err != nil {
		return err
	}
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
