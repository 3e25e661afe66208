package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aclements/go-moremath/stats"

	passwords "github.com/sigra-auth/sigra/authcore/password"
)

// timingSamples are taken of each kind of address and form.
const timingSamples = 250

// pause lets the work that follows a request end before the next one.
const pause = 25 * time.Millisecond

// unlimited lets one client ask as often as the measurement needs.
const unlimited = `sigra {
signup open
throttle {
account 60000 15m
network 60000 15m
mail 60000 15m
mail_network 60000 15m
}
}`

// asking is a form whose answer must not tell whether an address has an account.
type asking struct {
	path   string
	fields url.Values
}

var askings = []asking{
	{"/login", url.Values{"password": {"a wrong password"}}},
	{"/register", url.Values{"password": {password}}},
	{"/magic", nil},
	{"/reset", nil},
}

// timing compares the answers to known and to unknown addresses: statuses and
// bodies must be the same, and the times come from one distribution.
func (b *bench) timing() error {
	g, err := b.run(configuration{name: "timing", global: unlimited, site: "sigra\nreverse_proxy {app}"})
	if err != nil {
		return err
	}
	if err := b.importKnown(g); err != nil {
		return err
	}
	fmt.Fprintln(b.out, "| form | known: median ms (quartiles) | unknown: median ms (quartiles) | difference of medians | Mann-Whitney U: p | answers |")
	fmt.Fprintln(b.out, "|---|---|---|---|---|---|")
	for _, a := range askings {
		if err := b.compareTimes(g, a); err != nil {
			return fmt.Errorf("%s: %w", a.path, err)
		}
	}
	fmt.Fprintf(b.out, "\n%s %d samples each, in random order, with addresses that are used once per form, over one connection on loopback. "+
		"A small p says that the times do not come from one distribution.\n", b.machine(), timingSamples)
	return nil
}

// importKnown makes the accounts, each with a password.
func (b *bench) importKnown(g *gateway) error {
	hash, err := passwords.NewHasher(passwords.DefaultParams, passwords.Limits{}).Hash(b.ctx, password)
	if err != nil {
		return err
	}
	rows := [][]string{{"email", "password_hash"}}
	for i := range timingSamples {
		rows = append(rows, []string{known(i), hash})
	}
	path := filepath.Join(b.dir, "known.csv")
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := csv.NewWriter(file).WriteAll(rows); err != nil {
		return err
	}
	said, err := exec.CommandContext(b.ctx, b.caddy, "sigra", "user", "import", path, "--address", g.admin).CombinedOutput()
	if err != nil {
		return fmt.Errorf("importing accounts: %w: %s", err, said)
	}
	return nil
}

func known(i int) string   { return fmt.Sprintf("person-%03d@example.com", i) }
func unknown(i int) string { return fmt.Sprintf("nobody-%03d@example.com", i) }

// compareTimes asks about known and unknown addresses in random order.
func (b *bench) compareTimes(g *gateway, a asking) error {
	addresses := make([]string, 0, 2*timingSamples)
	for i := range timingSamples {
		addresses = append(addresses, known(i), unknown(i))
	}
	rand.Shuffle(len(addresses), func(i, j int) { addresses[i], addresses[j] = addresses[j], addresses[i] })
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if _, _, err := b.post(client, g, a, "warm-up@example.com"); err != nil {
		return err
	}
	times := make(map[bool][]float64)
	answers := make(map[string]bool)
	for _, address := range addresses {
		answer, took, err := b.post(client, g, a, address)
		if err != nil {
			return err
		}
		isKnown := strings.HasPrefix(address, "person")
		times[isKnown] = append(times[isKnown], milliseconds(took))
		answers[answer] = true
	}
	test, err := stats.MannWhitneyUTest(times[true], times[false], stats.LocationDiffers)
	if err != nil {
		return err
	}
	slices.Sort(times[true])
	slices.Sort(times[false])
	verdict := "identical"
	if len(answers) != 1 {
		verdict = fmt.Sprintf("**%d different ones**", len(answers))
	}
	fmt.Fprintf(b.out, "| `%s` | %s | %s | %+.3f ms | %.3f | %s |\n", a.path, inQuartiles(times[true]), inQuartiles(times[false]),
		quantile(times[true], 0.5)-quantile(times[false], 0.5), test.P, verdict)
	return nil
}

func inQuartiles(times []float64) string {
	return fmt.Sprintf("%.2f (%.2f–%.2f)", quantile(times, 0.5), quantile(times, 0.25), quantile(times, 0.75))
}

// perRequest is what answers may differ in: the address itself, and sealed
// cookies.
var perRequest = regexp.MustCompile(`(sigra-(?:signup|asked)=)[^;]+`)

// post sends a form about an address and returns what came back, less what
// differs from one request to the next, and how long it took.
func (b *bench) post(client *http.Client, g *gateway, a asking, address string) (answer string, took time.Duration, err error) {
	time.Sleep(pause)
	fields := url.Values{"email": {address}}
	for name, values := range a.fields {
		fields[name] = values
	}
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+g.host()+"/_auth"+a.path, strings.NewReader(fields.Encode()))
	if err != nil {
		return "", 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	began := time.Now()
	response, err := client.Do(r)
	if err != nil {
		return "", 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	took = time.Since(began)
	header := response.Header.Clone()
	header.Del("Date")
	text := fmt.Sprint(response.StatusCode, header, string(body))
	return perRequest.ReplaceAllString(strings.ReplaceAll(text, address, "*"), "$1*"), took, err
}
