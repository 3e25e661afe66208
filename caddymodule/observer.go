package caddymodule

import (
	"errors"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/policy"
)

// outcomeUnavailable counts requests that were refused because the session
// store was away.
const outcomeUnavailable policy.Outcome = "unavailable"

// metrics live as long as the process and are registered anew with the
// registry of every configuration: counters made by a configuration would
// start over with it. Labels are closed sets: a user, address or organization
// would be unbounded, and personal.
var metrics = struct {
	decisions *prometheus.CounterVec
	events    *prometheus.CounterVec
	jobs      *prometheus.CounterVec
}{
	prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: appID, Name: "decisions_total", Help: "Requests by what the gate decided.",
	}, []string{"decision"}),
	prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: appID, Name: "events_total", Help: "What happened to accounts and sessions, by name.",
	}, []string{"event"}),
	prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: appID, Name: "jobs_total", Help: "Attempts at jobs such as mail, by how they ended.",
	}, []string{"kind", "result"}),
}

// decisionCounters are made once: the gate counts on every request.
var decisionCounters = func() map[policy.Outcome]prometheus.Counter {
	counters := make(map[policy.Outcome]prometheus.Counter)
	for _, outcome := range []policy.Outcome{policy.Allow, policy.SignIn, policy.Held, policy.ChooseOrg, policy.StepUp, policy.Forbid, policy.Hide, outcomeUnavailable} {
		counters[outcome] = metrics.decisions.WithLabelValues(string(outcome))
	}
	return counters
}()

// observer counts what happens and tells Caddy's event system.
type observer struct {
	ctx    caddy.Context
	events *caddyevents.App
}

func newObserver(ctx caddy.Context) (*observer, error) {
	for _, c := range []prometheus.Collector{metrics.decisions, metrics.events, metrics.jobs} {
		if err := register(ctx, c); err != nil {
			return nil, err
		}
	}
	events, err := ctx.App("events")
	if err != nil {
		return nil, err
	}
	return &observer{ctx: ctx, events: events.(*caddyevents.App)}, nil
}

func register(ctx caddy.Context, c prometheus.Collector) error {
	var already prometheus.AlreadyRegisteredError
	if err := ctx.GetMetricsRegistry().Register(c); err != nil && !errors.As(err, &already) {
		return err
	}
	return nil
}

// allowed is what nearly all requests are.
var allowed = decisionCounters[policy.Allow]

// decided counts a decision of the gate.
func (*observer) decided(o policy.Outcome) {
	if o == policy.Allow {
		allowed.Inc()
		return
	}
	decisionCounters[o].Inc()
}

// Emit counts an event and tells the handlers that are subscribed to it.
func (o *observer) Emit(name events.Name, data map[string]any) {
	metrics.events.WithLabelValues(string(name)).Inc()
	if o.events.ShouldEmit(string(name)) {
		o.events.Emit(o.ctx, string(name), data)
	}
}

// sessionCollector shows the counters of an engine's session cache.
type sessionCollector struct{ engine *engine }

var (
	lookups = prometheus.NewDesc("caddy_sigra_session_lookups_total", "Sessions resumed, by what answered.", []string{"answer"}, nil)
	cached  = prometheus.NewDesc("caddy_sigra_sessions_cached", "Sessions decoded in process.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c sessionCollector) Describe(ch chan<- *prometheus.Desc) { ch <- lookups; ch <- cached }

// Collect implements prometheus.Collector.
func (c sessionCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.engine.sessions.Stats()
	for answer, n := range map[string]uint64{"cache": s.Hits, "store": s.Reads, "stale_cache": s.Stale, "unavailable": s.Failures} {
		ch <- prometheus.MustNewConstMetric(lookups, prometheus.CounterValue, float64(n), answer)
	}
	ch <- prometheus.MustNewConstMetric(cached, prometheus.GaugeValue, float64(s.Cached))
}
