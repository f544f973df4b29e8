"""What runs, and what is wrong with it."""

from fastapi import APIRouter

from samplemind_web.access import Admin, Reader
from samplemind_web.context import ContextDep
from samplemind_web.system_state import Diagnosis, System

router = APIRouter(tags=["system"])


@router.get("/system")
async def get_system(caller: Reader, context: ContextDep) -> System:
    """Return services, workers and queues, at most two seconds old; queues of roots only to who may see all."""
    system = await context.system.get()
    return system if caller.roots is None else system.without_roots()


@router.get("/system/doctor")
async def run_doctor(_caller: Admin, context: ContextDep) -> Diagnosis:
    """Check everything that the analysis needs, which takes some seconds, and say how to mend what does not work."""
    return await context.system.diagnosis()
