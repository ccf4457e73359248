//! The C++ names of libco's functions: a program linked with the original libcolib.so runs with ours.
//!
//! Each is a jump to the function of the C interface, or what that is: one of two functions.

#![allow(non_snake_case)]

use core::arch::naked_asm;

use colib_core::capi::{self, resume_comparing, resume_loading, yield_comparing, yield_loading};
use colib_core::choosing;

macro_rules! aliases {
    ($($name:ident $mangled:literal;)*) => {$(
        #[doc = concat!("`", stringify!($name), "` as C++ names it.")]
        #[unsafe(naked)]
        #[unsafe(export_name = $mangled)]
        pub unsafe extern "C" fn $name() {
            naked_asm!("jmp {}", sym capi::$name)
        }
    )*};
}

macro_rules! choices {
    ($($name:ident $mangled:literal $loading:path, $comparing:path;)*) => {$(
        #[doc = concat!("`", stringify!($name), "` as C++ names it.")]
        #[unsafe(naked)]
        #[unsafe(export_name = $mangled)]
        pub unsafe extern "C" fn $name() {
            choosing!($name, $loading, $comparing)
        }
    )*};
}

choices! {
    co_resume "_Z9co_resumeP13stCoRoutine_t" resume_loading, resume_comparing;
    co_yield "_Z8co_yieldP13stCoRoutine_t" yield_loading, yield_comparing;
    co_yield_ct "_Z11co_yield_ctv" yield_loading, yield_comparing;
    co_yield_env "_Z12co_yield_envP16stCoRoutineEnv_t" yield_loading, yield_comparing;
}

aliases! {
    GetCurrThreadCo "_Z15GetCurrThreadCov";
    co_accept "_Z9co_acceptiP8sockaddrPj";
    co_alloc_sharestack "_Z19co_alloc_sharestackii";
    co_cond_alloc "_Z13co_cond_allocv";
    co_cond_broadcast "_Z17co_cond_broadcastP10stCoCond_t";
    co_cond_free "_Z12co_cond_freeP10stCoCond_t";
    co_cond_signal "_Z14co_cond_signalP10stCoCond_t";
    co_cond_timedwait "_Z17co_cond_timedwaitP10stCoCond_ti";
    co_create "_Z9co_createPP13stCoRoutine_tPK17stCoRoutineAttr_tPFPvS5_ES5_";
    co_disable_hook_sys "_Z19co_disable_hook_sysv";
    co_enable_hook_sys "_Z18co_enable_hook_sysv";
    co_eventloop "_Z12co_eventloopP11stCoEpoll_tPFiPvES1_";
    co_free "_Z7co_freeP13stCoRoutine_t";
    co_get_curr_thread_env "_Z22co_get_curr_thread_envv";
    co_get_epoll_ct "_Z15co_get_epoll_ctv";
    co_gethostbyname "_Z16co_gethostbynamePKc";
    co_gethostbyname_r "_Z18co_gethostbyname_rPKcP7hostentPcmPS2_Pi";
    co_getspecific "_Z14co_getspecificj";
    co_init_curr_thread_env "_Z23co_init_curr_thread_envv";
    co_is_enable_sys_hook "_Z21co_is_enable_sys_hookv";
    co_log_err "_Z10co_log_errPKcz";
    co_poll "_Z7co_pollP11stCoEpoll_tP6pollfdmi";
    co_release "_Z10co_releaseP13stCoRoutine_t";
    co_reset "_Z8co_resetP13stCoRoutine_t";
    co_self "_Z7co_selfv";
    co_set_env_list "_Z15co_set_env_listPPKcm";
    co_setspecific "_Z14co_setspecificjPKv";
    coctx_init "_Z10coctx_initP7coctx_t";
    coctx_make "_Z10coctx_makeP7coctx_tPFPvS1_S1_EPKvS5_";
}
