package main

import (
	"fmt"
	"slices"
)

// report prints a Markdown table of medians, and of ratios round by round.
func (b *bench) report(samples [][]sample) {
	fmt.Fprintln(b.out, "| | req/s (min–max) | p50 ms | p99 ms | CPU µs | Redis µs | memory MiB | × baseline (quartiles) | extra CPU µs (quartiles) |")
	fmt.Fprintln(b.out, "|---|---|---|---|---|---|---|---|---|")
	for i, g := range b.gateways {
		fmt.Fprintf(b.out, "| %s | %s | %s |\n", g.name, figures(samples[i]), b.comparison(samples, i))
	}
	foreign := spreadOf(slices.Concat(samples...), func(s sample) float64 { return s.foreign * 100 })
	fmt.Fprintf(b.out, "\n%s Rounds, each with new processes: %d, in each of which the gateways took %d turns. Headers as of a %s client. Medians; CPU is that of the proxy per request, and extra CPU includes Redis. "+
		"× baseline is the median of the ratios of req/s round by round: to bare `reverse_proxy`, and to `redir` for the redirect. "+
		"Every answer had the expected status, and the app saw the identity on every authenticated request and on no other. "+
		"Other processes used %.0f %% of one processor during the median sample, %.0f %% at most.\n",
		b.machine(), len(samples[0]), turns, b.client, foreign.median, foreign.most)
}

// figures are the columns of one configuration by itself.
func figures(of []sample) string {
	median := func(f func(sample) float64) float64 { return spreadOf(of, f).median }
	rate := spreadOf(of, func(s sample) float64 { return s.perSecond })
	return fmt.Sprintf("%.0f (%.0f–%.0f) | %.2f | %.2f | %.1f | %.1f | %.0f", rate.median, rate.least, rate.most,
		median(func(s sample) float64 { return s.p50 }), median(func(s sample) float64 { return s.p99 }),
		median(func(s sample) float64 { return s.cpu }), median(func(s sample) float64 { return s.redis }),
		median(func(s sample) float64 { return s.memory }))
}

// comparison are the columns that set a configuration against its baseline,
// round by round, so that what disturbs a whole round cancels out.
func (b *bench) comparison(samples [][]sample, i int) string {
	base := b.gateways[i].baseline
	if i == base {
		return "1 | "
	}
	ratios, extras := make([]sample, len(samples[i])), make([]sample, len(samples[i]))
	for round, s := range samples[i] {
		against := samples[base][round]
		ratios[round].perSecond = s.perSecond / against.perSecond
		extras[round].cpu = s.cpu + s.redis - against.cpu
	}
	ratio := spreadOf(ratios, func(s sample) float64 { return s.perSecond })
	extra := spreadOf(extras, func(s sample) float64 { return s.cpu })
	return fmt.Sprintf("%.2f (%.2f–%.2f) | %+.1f (%+.1f to %+.1f)", ratio.median, ratio.lower, ratio.upper, extra.median, extra.lower, extra.upper)
}

// spread is how a figure is distributed.
type spread struct {
	least, lower, median, upper, most float64
}

// spreadOf returns the quartiles and the extremes of a figure.
func spreadOf[T any](samples []T, figure func(T) float64) spread {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = figure(s)
	}
	slices.Sort(values)
	return spread{values[0], quantile(values, 0.25), quantile(values, 0.5), quantile(values, 0.75), values[len(values)-1]}
}

// quantile interpolates between the two nearest of sorted values.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}
