package caddymodule

import (
	"context"
	"maps"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
)

// work does jobs until the context ends. A command that opens the stores by
// itself does none: it may end at any moment.
func (a *App) work(ctx context.Context) {
	if !a.serves() {
		return
	}
	select {
	case <-a.engine.ready:
	case <-ctx.Done():
		return
	}
	delivery := mail.Delivery{Sealer: a.engine, Writer: a.pages, Sender: a.mailer}
	handlers := map[job.Kind]job.Handler{mail.JobKind: delivery.Deliver}
	maps.Copy(handlers, a.accounts.Handlers())
	maps.Copy(handlers, a.recovery.Handlers())
	maps.Copy(handlers, a.signups.Handlers())
	maps.Copy(handlers, a.deletions.Handlers())
	maps.Copy(handlers, a.orgs.Handlers())
	worker := job.Worker{
		Store: a.engine.db.Jobs(), Handlers: handlers, Slow: []job.Kind{mail.JobKind},
		Observer: a.observer, Clock: time.Now, Logger: a.logger, Wake: a.engine.db.Jobs().Promised(),
	}
	worker.Run(ctx)
}

// JobTried implements job.Observer.
func (*observer) JobTried(kind job.Kind, result job.Result) {
	metrics.jobs.WithLabelValues(string(kind), string(result)).Inc()
}

// jobCollector shows how many jobs wait.
type jobCollector struct{ engine *engine }

var queued = prometheus.NewDesc("caddy_sigra_jobs", "Mails and other jobs that wait, and those that were given up.", []string{"kind", "state"}, nil)

// Describe implements prometheus.Collector.
func (jobCollector) Describe(ch chan<- *prometheus.Desc) { ch <- queued }

// Collect implements prometheus.Collector. It shows nothing while the database
// is away.
func (c jobCollector) Collect(ch chan<- prometheus.Metric) {
	if !c.engine.isReady() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	all, err := c.engine.db.Jobs().Counts(ctx)
	if err != nil {
		return
	}
	mails, err := c.engine.db.Jobs().Counts(ctx, mail.JobKind)
	if err != nil {
		return
	}
	others := job.Counts{Waiting: max(all.Waiting-mails.Waiting, 0), Dead: max(all.Dead-mails.Dead, 0)}
	for kind, counts := range map[string]job.Counts{"mail": mails, "other": others} {
		ch <- prometheus.MustNewConstMetric(queued, prometheus.GaugeValue, float64(counts.Waiting), kind, "waiting")
		ch <- prometheus.MustNewConstMetric(queued, prometheus.GaugeValue, float64(counts.Dead), kind, "dead")
	}
}

var (
	_ job.Observer         = (*observer)(nil)
	_ prometheus.Collector = jobCollector{}
)
