package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// call carries the requests of one command: to the running gateway or, when
// there is none, to a gateway without sites that this process starts for it.
type call struct {
	cmd     *cobra.Command
	address string
	asJSON  bool
	local   http.Handler
}

func newCall(cmd *cobra.Command) (*call, error) {
	flags := cmd.Flags()
	c := &call{cmd: cmd}
	c.asJSON, _ = flags.GetBool("json")
	file, _ := flags.GetString("config")
	adapter, _ := flags.GetString("adapter")
	address, _ := flags.GetString("address")
	config, _, _, err := caddycmd.LoadConfig(file, adapter)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	c.address, err = caddycmd.DetermineAdminAPIAddress(address, config, file, adapter)
	if err != nil {
		return nil, err
	}
	if !isListening(c.address) {
		return c, c.startLocal(config)
	}
	return c, nil
}

// isListening reports whether a Caddy answers at an admin address. Only when
// there is none may a command open the stores itself.
func isListening(address string) bool {
	parsed, err := caddy.ParseNetworkAddress(address)
	if err != nil {
		return true // the request will tell what is wrong
	}
	conn, err := net.DialTimeout(parsed.Network, parsed.JoinHostPort(0), time.Second)
	if err != nil {
		return !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, os.ErrNotExist)
	}
	_ = conn.Close() // it was opened to see whether it can be
	return true
}

// do sends a request and decodes the answer.
func (c *call) do(method, path string, body, to any) error {
	answer, err := c.send(method, path, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("reading answer: %w", err)
	}
	if answer.StatusCode >= 400 {
		return refusal(answer.StatusCode, raw)
	}
	return json.Unmarshal(raw, to)
}

func refusal(status int, raw []byte) error {
	var told struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(raw, &told) == nil && told.Error != "" {
		return errors.New(told.Error)
	}
	return fmt.Errorf("the gateway answered %d", status)
}

func (c *call) send(method, path string, body any) (*http.Response, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encoding request: %w", err)
	}
	if c.local == nil {
		answer, err := caddycmd.AdminAPIRequest(c.address, method, path, nil, bytes.NewReader(raw))
		return answer, plainly(err)
	}
	request, err := http.NewRequestWithContext(c.cmd.Context(), method, path, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	kept := &keptResponse{header: make(http.Header), status: http.StatusOK}
	c.local.ServeHTTP(kept, request)
	return &http.Response{StatusCode: kept.status, Header: kept.header, Body: io.NopCloser(&kept.body)}, nil
}

// plainly returns what the gateway said, without the wrapping of Caddy's client.
func plainly(err error) error {
	if err == nil {
		return nil
	}
	var told struct {
		Error string `json:"error"`
	}
	_, body, found := strings.Cut(err.Error(), "{")
	if found && json.Unmarshal([]byte("{"+body), &told) == nil && told.Error != "" {
		return errors.New(told.Error)
	}
	return err
}

// keptResponse is a response that stays in this process.
type keptResponse struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *keptResponse) Header() http.Header         { return k.header }
func (k *keptResponse) WriteHeader(status int)      { k.status = status }
func (k *keptResponse) Write(p []byte) (int, error) { return k.body.Write(p) }

// startLocal runs the app alone, without sites and admin endpoint.
func (c *call) startLocal(raw []byte) error {
	if len(raw) == 0 {
		return errors.New("no gateway is running here; give its --config, or its admin --address")
	}
	var config caddy.Config
	if err := json.Unmarshal(raw, &config); err != nil {
		return fmt.Errorf("reading configuration: %w", err)
	}
	if config.Admin != nil && config.Admin.Disabled {
		return errors.New("the configuration turns Caddy's admin endpoint off, so that it cannot be told whether a gateway runs; turn it on to use these commands")
	}
	app := config.AppsRaw[appID]
	if app == nil {
		app = json.RawMessage("{}")
	}
	if err := c.findStore(app); err != nil {
		return err
	}
	no := false
	alone := &caddy.Config{
		Admin:      &caddy.AdminConfig{Disabled: true, Config: &caddy.ConfigSettings{Persist: &no}},
		StorageRaw: config.StorageRaw, AppsRaw: caddy.ModuleMap{appID: app},
		Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{Level: "ERROR"}}}},
	}
	if err := caddy.Run(alone); err != nil {
		closeDraining()
		return fmt.Errorf("opening stores: %w", err)
	}
	running, err := caddy.ActiveContext().AppIfConfigured(appID)
	if err != nil {
		return err
	}
	c.local = operations{running.(*App)}.mux()
	return nil
}

// findStore tells which database a command uses by itself, and fails where there is
// none, unless the command may make it.
func (c *call) findStore(raw json.RawMessage) error {
	var app App
	if err := json.Unmarshal(raw, &app); err != nil {
		return fmt.Errorf("reading configuration: %w", err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: c.cmd.Context()})
	defer cancel()
	storage, err := loadGuest[Storage](ctx, &app, "StorageRaw", app.StorageRaw, "sigra.storage.sqlite")
	if err != nil {
		return err
	}
	db, err := storage.Open()
	if err != nil {
		return err
	}
	defer db.Close()
	fmt.Fprintf(c.cmd.ErrOrStderr(), "no gateway runs at %s: using %s\n", c.address, db)
	if c.cmd.Annotations[makes] != "" {
		return nil
	}
	used, err := db.Used(ctx)
	if err == nil && !used {
		err = fmt.Errorf("no gateway has ever used %s; start the gateway, or name its configuration with --config, in the environment that it runs in", db)
	}
	return err
}

func (c *call) close() {
	if c.local != nil {
		_ = caddy.Stop() // the process ends with it
		closeDraining()
	}
}

// show sends a request and prints the answer.
func (c *call) show(method, path string, body any) error {
	var answer any
	if err := c.do(method, path, body, &answer); err != nil {
		return err
	}
	return c.print(answer)
}

// showPages asks page by page, after the id of the last one, until there is none.
// As JSON, they are one array.
func showPages[T any](c *call, id func(T) string, ask func(after string, page *[]T) error) error {
	all := []T{}
	for after := ""; ; {
		var page []T
		if err := ask(after, &page); err != nil {
			return err
		}
		if len(page) == 0 && c.asJSON {
			return c.print(all)
		}
		if len(page) == 0 {
			return nil
		}
		if c.asJSON {
			all = append(all, page...)
		} else if err := c.print(page); err != nil {
			return err
		}
		after = id(page[len(page)-1])
	}
}

// print writes an answer as lines of names and values, or as JSON.
func (c *call) print(answer any) error {
	out := c.cmd.OutOrStdout()
	raw, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		return err
	}
	if c.asJSON {
		_, err = fmt.Fprintln(out, string(raw))
		return err
	}
	var rows []map[string]any
	if json.Unmarshal(raw, &rows) != nil {
		var row map[string]any
		if err := json.Unmarshal(raw, &row); err != nil {
			return err
		}
		rows = []map[string]any{row}
	}
	for _, row := range rows {
		if _, err := fmt.Fprintln(out, line(row)); err != nil {
			return err
		}
	}
	return nil
}

// line prints the fields of a row in a stable order, ids first.
func line(row map[string]any) string {
	names := make([]string, 0, len(row))
	for name := range row {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return strings.Compare(rank(a)+a, rank(b)+b)
	})
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = name + "=" + plain(fmt.Sprint(row[name]))
	}
	return strings.Join(parts, separator)
}

// separator stands between the fields of a line.
const separator = "  "

// plain returns a value as a line shows it: quoted when it would harm the terminal, or
// could be taken for further fields.
func plain(value string) string {
	if harmful(value) || strings.Contains(value, separator) {
		return strconv.Quote(value)
	}
	return value
}

// harmful reports whether a text has what moves the cursor, clears the screen or turns
// what follows around: a stranger may have named a browser so, with U+009B or U+202E.
func harmful(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) })
}

// plainError returns the error of a command, which may tell what others wrote, as a
// terminal may show it.
func plainError(err error) error {
	if err == nil || !harmful(strings.ReplaceAll(err.Error(), "\n", "")) {
		return err
	}
	return errors.New(strconv.Quote(err.Error()))
}

func rank(name string) string {
	switch name {
	case "id", "kid", "link":
		return "0"
	case "email", "state":
		return "1"
	default:
		return "2"
	}
}
