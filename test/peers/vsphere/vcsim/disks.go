package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var helpers = types.ManagedObjectReference{Type: "PlimsollHelper", Value: "helper"}

// It answers the calls on disks instead of the simulator's own objects, and uses those.
type helper struct {
	mo.VcenterVStorageObjectManager
}

// A clone's disks are its own. Who asks for a larger one names the device as the source has it, file and all, which the
// simulator would take for the clone's file, and delete with the clone: it is given a file of that size instead.
func withOwnDisks(body types.AnyType) {
	req, ok := body.(*types.CloneVM_Task)
	if !ok || req.Spec.Config == nil {
		return
	}
	for _, change := range req.Spec.Config.DeviceChange {
		spec := change.GetVirtualDeviceConfigSpec()
		disk, ok := spec.Device.(*types.VirtualDisk)
		if !ok || spec.Operation != types.VirtualDeviceConfigSpecOperationEdit {
			continue
		}
		if backing, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo); ok {
			backing.FileName = ""
			spec.FileOperation = types.VirtualDeviceConfigSpecFileOperationCreate
		}
	}
}

func ended(ctx *simulator.Context, ref types.ManagedObjectReference) (types.AnyType, types.BaseMethodFault) {
	task := ctx.Map.Get(ref).(*simulator.Task)
	task.Wait()
	if task.Info.Error != nil {
		return nil, task.Info.Error.Fault
	}
	return task.Info.Result, nil
}

// CreateDiskTask keeps the metadata that came with the call, which the simulator drops.
func (h *helper) CreateDiskTask(ctx *simulator.Context, req *types.CreateDisk_Task) soap.HasFault {
	task := simulator.CreateTask(h, "createDisk", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		return create(ctx, req)
	})
	return &methods.CreateDisk_TaskBody{
		Res: &types.CreateDisk_TaskResponse{Returnval: task.Run(ctx)},
	}
}

func create(ctx *simulator.Context, req *types.CreateDisk_Task) (types.AnyType, types.BaseMethodFault) {
	manager := ctx.Map.VStorageObjectManager()
	inner := manager.CreateDiskTask(ctx, req).(*methods.CreateDisk_TaskBody).Res.Returnval
	result, fault := ended(ctx, inner)
	if fault != nil {
		return nil, fault
	}
	var id types.ID
	switch made := result.(type) {
	case *types.VStorageObject:
		id = made.Config.Id
	case types.VStorageObject:
		id = made.Config.Id
	}
	if kept, ok := manager.Catalog()[req.Spec.BackingSpec.GetVslmCreateSpecBackingSpec().Datastore][id]; ok {
		kept.Metadata = req.Spec.Metadata
	}
	return result, nil
}

// CreateDiskFromSnapshotTask makes an empty disk of the same size: the simulator's disks have no contents.
func (h *helper) CreateDiskFromSnapshotTask(ctx *simulator.Context, req *types.CreateDiskFromSnapshot_Task) soap.HasFault {
	task := simulator.CreateTask(h, "createDiskFromSnapshot", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		source, ok := ctx.Map.VStorageObjectManager().Catalog()[req.Datastore][req.Id]
		if !ok {
			return nil, &types.NotFound{}
		}
		for _, snapshot := range source.Snapshots {
			if snapshot.Id == nil || snapshot.Id.Id != req.SnapshotId.Id {
				continue
			}
			keep := true
			return create(ctx, &types.CreateDisk_Task{
				This: req.This,
				Spec: types.VslmCreateSpec{
					Name:              req.Name,
					KeepAfterDeleteVm: &keep,
					BackingSpec: &types.VslmCreateSpecDiskFileBackingSpec{
						VslmCreateSpecBackingSpec: types.VslmCreateSpecBackingSpec{Datastore: req.Datastore},
					},
					CapacityInMB: source.Config.CapacityInMB,
				},
			})
		}
		return nil, &types.NotFound{}
	})
	return &methods.CreateDiskFromSnapshot_TaskBody{
		Res: &types.CreateDiskFromSnapshot_TaskResponse{Returnval: task.Run(ctx)},
	}
}

// AttachDiskTask shows the disk among the devices, and refuses a second machine, as vCenter does.
func (h *helper) AttachDiskTask(ctx *simulator.Context, req *types.AttachDisk_Task) soap.HasFault {
	task := simulator.CreateTask(h, "attachDisk", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		vm, found := ctx.Map.Get(req.This).(*simulator.VirtualMachine)
		disk, ok := ctx.Map.VStorageObjectManager().Catalog()[req.Datastore][req.DiskId]
		if !ok || !found {
			return nil, &types.NotFound{}
		}
		if len(disk.Config.ConsumerId) > 0 {
			return nil, &types.InvalidState{}
		}
		inner := vm.AttachDiskTask(ctx, req).(*methods.AttachDisk_TaskBody).Res.Returnval
		if _, fault := ended(ctx, inner); fault != nil {
			return nil, fault
		}
		backing := disk.Config.Backing.(*types.BaseConfigInfoDiskFileBackingInfo)
		id, store := req.DiskId, req.Datastore
		ctx.WithLock(vm, func() {
			unit := int32(1 + len(vm.Config.Hardware.Device))
			vm.Config.Hardware.Device = append(vm.Config.Hardware.Device, &types.VirtualDisk{
				VirtualDevice: types.VirtualDevice{
					Key:        int32(3000) + unit,
					UnitNumber: &unit,
					Backing: &types.VirtualDiskFlatVer2BackingInfo{
						VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: backing.FilePath, Datastore: &store},
						DiskMode:                     "persistent",
					},
				},
				CapacityInKB: disk.Config.CapacityInMB * 1024,
				VDiskId:      &id,
			})
		})
		return nil, nil
	})
	return &methods.AttachDisk_TaskBody{
		Res: &types.AttachDisk_TaskResponse{Returnval: task.Run(ctx)},
	}
}

func (h *helper) DetachDiskTask(ctx *simulator.Context, req *types.DetachDisk_Task) soap.HasFault {
	task := simulator.CreateTask(h, "detachDisk", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		vm, found := ctx.Map.Get(req.This).(*simulator.VirtualMachine)
		if !found {
			return nil, &types.NotFound{}
		}
		inner := vm.DetachDiskTask(ctx, req).(*methods.DetachDisk_TaskBody).Res.Returnval
		if _, fault := ended(ctx, inner); fault != nil {
			return nil, fault
		}
		ctx.WithLock(vm, func() {
			var left []types.BaseVirtualDevice
			for _, device := range vm.Config.Hardware.Device {
				if disk, ok := device.(*types.VirtualDisk); ok && disk.VDiskId != nil && disk.VDiskId.Id == req.DiskId.Id {
					continue
				}
				left = append(left, device)
			}
			vm.Config.Hardware.Device = left
		})
		return nil, nil
	})
	return &methods.DetachDisk_TaskBody{
		Res: &types.DetachDisk_TaskResponse{Returnval: task.Run(ctx)},
	}
}
