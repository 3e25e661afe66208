package caddymodule

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sigra-auth/sigra/authcore/userimport"
)

func importCommand() *cobra.Command {
	c := making(leaf("import <file>", "Imports accounts from CSV or JSON, all or none", 1, importUsers))
	c.Long = `
Imports accounts with the hashes of their passwords, as Argon2id, bcrypt, PBKDF2
or scrypt; they are upgraded at the first sign-in. The first line of a CSV file
names its columns: email, name, role, email_verified, password_hash, language,
disabled, created_at. A JSON file has objects with these names, and profile. A
file of - is the standard input.

An address counts as verified, as a system that is moved from has mostly done
it; where it has not, say so by a column email_verified with false.

Everything is checked before anything is written, and all of it is written or
nothing.`
	c.Flags().Bool("dry-run", false, "check only")
	return c
}

func importUsers(c *call, args []string) error {
	file := c.cmd.InOrStdin()
	if args[0] != "-" {
		opened, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer opened.Close()
		file = opened
	}
	told := newProgress(c.cmd.ErrOrStderr())
	rows, err := userimport.Read(file, func(n int) { told.tell(false, "%d rows read", n) })
	if err != nil {
		return err
	}
	told.tell(true, "%d rows read; checking and writing", len(rows))
	path := "/sigra/users/import"
	if dry, _ := c.cmd.Flags().GetBool("dry-run"); dry {
		path += "?dry_run=1"
	}
	var answer importAnswer
	if err := c.do("POST", path, rows, &answer); err != nil {
		return err
	}
	return c.print(answer)
}

// progress tells how far long work has come: on a terminal in one line, else in
// a line now and then.
type progress struct {
	out      io.Writer
	terminal bool
	last     time.Time
}

func newProgress(out io.Writer) *progress {
	file, ok := out.(*os.File)
	return &progress{out: out, terminal: ok && term.IsTerminal(int(file.Fd())), last: time.Now()}
}

func (p *progress) tell(final bool, format string, args ...any) {
	every := 10 * time.Second
	if p.terminal {
		every = 200 * time.Millisecond
	}
	if !final && time.Since(p.last) < every {
		return
	}
	p.last = time.Now()
	begin, end := "", "\n"
	if p.terminal {
		begin = "\r\x1b[K"
		if !final {
			end = ""
		}
	}
	fmt.Fprintf(p.out, begin+format+end, args...)
}
