package servers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = 20 * time.Second
	stopTimeout  = 20 * time.Second
)

// process is a server that can be stopped, paused and started again.
type process struct {
	name  string
	path  string
	args  []string
	env   []string // beside that of the test
	dir   string
	owner *owner // nil: the user of the test
	ready func() error

	running *os.Process
	exited  chan struct{}
}

// Start starts the server again, on the same port with the same data, and
// returns when it answers.
func (p *process) Start(t testing.TB) {
	t.Helper()
	if p.running != nil {
		t.Fatalf("%s is running already", p.name)
	}
	// One that was killed leaves children for a moment, which hold what it needs.
	err := p.start()
	for end := time.Now().Add(startTimeout); err != nil && time.Now().Before(end); err = p.start() {
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("starting %s: %v", p.name, err)
	}
}

func (p *process) start() error {
	if err := p.spawn(); err != nil {
		return err
	}
	if err := p.awaitReady(); err != nil {
		p.signal(syscall.SIGKILL)
		<-p.exited
		p.running = nil
		return fmt.Errorf("%w\n%s", err, p.logTail())
	}
	return nil
}

// spawn starts the program from a thread that lives as long as it: the parent
// death signal is sent when the starting thread ends, not the process.
func (p *process) spawn() error {
	log, err := os.OpenFile(p.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.path, p.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, log, log
	cmd.Env = append(os.Environ(), p.env...)
	cmd.SysProcAttr = childAttributes(p.owner)
	started, exited := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
			close(exited)
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	p.running, p.exited = cmd.Process, exited
	return nil
}

func (p *process) awaitReady() error {
	var err error
	for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		select {
		case <-p.exited:
			return errors.New("it ended at once")
		default:
		}
		if err = p.ready(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("it does not answer: %w", err)
}

// Stop ends the server in an orderly way and returns when it is gone.
func (p *process) Stop(t testing.TB) {
	t.Helper()
	p.end(t, syscall.SIGINT)
}

// Kill ends the server as a crash would (SIGKILL).
func (p *process) Kill(t testing.TB) {
	t.Helper()
	p.end(t, syscall.SIGKILL)
}

// Pause makes the server hang: its connections stay open, nothing answers.
func (p *process) Pause(t testing.TB) {
	t.Helper()
	if err := p.signal(syscall.SIGSTOP); err != nil {
		t.Fatalf("pausing %s: %v", p.name, err)
	}
}

// Resume ends a Pause.
func (p *process) Resume(t testing.TB) {
	t.Helper()
	if err := p.signal(syscall.SIGCONT); err != nil {
		t.Fatalf("resuming %s: %v", p.name, err)
	}
}

func (p *process) end(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if p.running == nil {
		return
	}
	p.signal(sig)
	p.signal(syscall.SIGCONT) // a paused process handles no signal
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		p.signal(syscall.SIGKILL)
		<-p.exited
		t.Errorf("%s did not stop within %s", p.name, stopTimeout)
	}
	p.running = nil
}

// signal sends a signal to the server. Those that do not ask but force go to
// its worker processes too, as Postgres has one for each connection.
func (p *process) signal(sig syscall.Signal) error {
	if p.running == nil {
		return errors.New("not running")
	}
	var workers []int
	if sig != syscall.SIGINT {
		workers = children(p.running.Pid)
	}
	err := p.running.Signal(sig)
	for _, pid := range workers {
		syscall.Kill(pid, sig) // it may have ended meanwhile
	}
	return err
}

func (p *process) logPath() string { return filepath.Join(filepath.Dir(p.dir), p.name+".log") }

func (p *process) logTail() string {
	log, _ := os.ReadFile(p.logPath())
	return string(log[max(0, len(log)-2000):])
}
