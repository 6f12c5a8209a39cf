package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// A filter that hears of a changed view beside whoever changed it, not before him. The simulator has a view locked when it
// tells its filters, which then want their own lock; a collector that waits for updates takes the two the other way round.
// Two machines that come and go under a watcher's eyes would wait for each other for ever.
type beside struct{ *simulator.PropertyFilter }

func (filter beside) UpdateObject(ctx *simulator.Context, object mo.Reference, changes []types.PropertyChange) {
	own := *ctx
	go filter.PropertyFilter.UpdateObject(&own, object, changes)
}

// Puts the filters of a collector that is about to wait in place of their simulator's own.
func tellBeside(ctx *simulator.Context, collector types.ManagedObjectReference) {
	found, ok := ctx.Session.Get(collector).(*simulator.PropertyCollector)
	if !ok {
		return
	}
	for _, ref := range found.Filter {
		if filter, ok := ctx.Session.Get(ref).(*simulator.PropertyFilter); ok {
			ctx.Map.AddHandler(beside{filter})
		}
	}
}
