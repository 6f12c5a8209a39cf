package main

import (
	"crypto/rand"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// AcquireTicket gives what the API reference says of a ticket for WebMKS, which the simulator lacks. There is no screen
// behind it: nothing answers at its address.
func (h *helper) AcquireTicket(ctx *simulator.Context, req *types.AcquireTicket) soap.HasFault {
	body := new(methods.AcquireTicketBody)
	vm, found := ctx.Map.Get(req.This).(*simulator.VirtualMachine)
	switch {
	case !found:
		body.Fault_ = simulator.Fault("", &types.ManagedObjectNotFound{Obj: req.This})
	case req.TicketType != string(types.VirtualMachineTicketTypeWebmks):
		body.Fault_ = simulator.Fault("", &types.InvalidArgument{InvalidProperty: "ticketType"})
	case vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn:
		body.Fault_ = simulator.Fault("", &types.InvalidState{})
	default:
		host := ctx.Map.Get(*vm.Runtime.Host).(mo.Entity).Entity().Name
		body.Res = &types.AcquireTicketResponse{Returnval: types.VirtualMachineTicket{
			Ticket:  rand.Text(),
			CfgFile: vm.Config.Files.VmPathName,
			Host:    host,
			Port:    443,
		}}
	}
	return body
}
